using System.Text;
using FastPool.Core.Auth;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Tests.Core.Sessions;

/// <summary>The query for a login that no file knows, and its answer. Source: spec, auth.md 5.</summary>
public sealed class AuthQueryTests
{
    private static (AuthQuery Query, ServerSession Server) Asked(string extra = "IntervalStyle", string own = "postgres",
        string left = "postgres")
    {
        var bench = new SessionBench(extra: extra);
        var server = bench.NewServer("auth");
        server.TryTrack(Encoding.ASCII.GetBytes(extra), Encoding.ASCII.GetBytes(own));
        bench.PoolOf("auth").TryPublishWelcome(new WelcomeParameters([], server.Parameters));
        server.TryTrack(Encoding.ASCII.GetBytes(extra), Encoding.ASCII.GetBytes(left));
        server.EndLogin();
        var query = new AuthQuery(bench.Context, bench.NewClient(), bench.PoolOf("auth"), "select $1", "o'; drop\"--");
        server.BeginQuery(query);
        return (query, server);
    }

    private static string Written((AuthQuery Query, ServerSession Server) asked)
    {
        var output = new MessageBuffer();
        asked.Query.WriteTo(output, asked.Server);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }

    private static Verdict Says(ServerSession server, char type, params byte[] body) =>
        server.Judge((byte)type, Wire.Typed(type, body));

    private static string? Value(ServerSession server, string name) =>
        server.Parameters[server.Context.Tracked.IndexOf(System.Text.Encoding.ASCII.GetBytes(name))];

    [Fact]
    public void The_name_is_a_parameter_and_no_part_of_the_text()
    {
        var text = Written(Asked());
        Assert.StartsWith("P\0\0\0\x11\0select $1\0\0\0B", text, StringComparison.Ordinal);
        Assert.Contains("\0\0\0\x0bo'; drop\"--\0\0", text, StringComparison.Ordinal);
        Assert.EndsWith("S\0\0\0\x04", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_clients_variables_are_put_back_before_auth_query()
    {
        var asked = Asked("search_path", "\"$user\", public", "evil");
        Assert.StartsWith("Q\0\0\0\x49SELECT pg_catalog.set_config('search_path','\"$user\", public',false);\0P",
            Written(asked), StringComparison.Ordinal);
        Assert.Equal(Verdict.Skip, Says(asked.Server, 'T', 0, 1));
        Assert.Equal(Verdict.Skip, Says(asked.Server, 'D', 0, 1, 0, 0, 0, 1, (byte)'x'));
        Assert.Equal(Verdict.Skip, Says(asked.Server, 'C', Wire.Strings("SELECT 1")));
        Assert.Equal(Verdict.Skip, Says(asked.Server, 'S', Wire.Strings("search_path", "\"$user\", public")));
        Assert.Equal(Verdict.Skip, Says(asked.Server, 'Z', (byte)'I')); // That was the SET.
        Assert.Equal("\"$user\", public", Value(asked.Server, "search_path"));
        Assert.Equal(Verdict.Skip, Says(asked.Server, '1'));
        Assert.Equal(Verdict.Answered, Says(asked.Server, 'Z', (byte)'I'));
        Assert.Null(asked.Query.FoundUser);
    }

    [Fact]
    public void Variables_that_auth_query_sets_are_known_of_the_server_afterwards()
    {
        var asked = Asked();
        Written(asked);
        Assert.Equal(Verdict.Skip, Says(asked.Server, 'S', Wire.Strings("IntervalStyle", "iso_8601")));
        Assert.Equal("iso_8601", Value(asked.Server, "IntervalStyle"));
    }

    public static TheoryData<char, byte[], string?> Answers => new()
    {
        { 'T', [0, 2], null },
        { 'T', [0, 1], "expected 2 columns from auth_query, not 1" },
        { 'T', [0], "bad packet" },
        { 'D', [0, 2, 0, 0, 0, 1, (byte)'u', 255, 255, 255, 255], null },
        { 'D', [0, 2, 255, 255, 255, 255, 255, 255, 255, 255], null },
        { 'D', [0, 2, 0, 0, 0, 9, (byte)'u'], "bad packet" },
        { 'D', [0, 2, 0x7f, 0xff, 0xff, 0xff, (byte)'u'], "bad packet" },
        { 'D', [0, 2, 0x80, 0, 0, 0, (byte)'u'], "bad packet" },
        { 'D', [0, 1, 0, 0, 0, 0], "expected 2 columns from auth_query, not 1" },
        { 'E', [0], "error response from auth_query" },
        { 'n', [], "unexpected response from auth_query" },
        { 'G', [], "unexpected response from auth_query" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void An_answer_is_two_columns_or_the_end_of_that_server(char type, byte[] body, string? problem) =>
        Assert.Equal(problem, Asked().Query.Take((byte)type, body));

    [Theory]
    [InlineData(127, 65535, null)]
    [InlineData(127, 65536, null)]
    [InlineData(128, 1, "unable to allocate new user for auth")]
    public void Names_and_secrets_have_the_lengths_of_the_userlist(int nameLength, int secretLength, string? problem)
    {
        var (query, _) = Asked();
        byte[] row =
            [0, 2, .. Wire.Value(new string('n', nameLength)), .. Wire.Value(new string('s', secretLength))];
        Assert.Equal(problem, query.Take((byte)'D', row));
        if (problem is null) Assert.Equal((nameLength, Secret.BytesMax), (query.FoundUser!.Length, query.FoundSecret!.Length));
    }

    [Fact]
    public void A_NULL_name_is_nobody_as_if_there_were_no_row()
    {
        var (query, _) = Asked();
        Assert.Null(query.Take((byte)'D', [0, 2, 255, 255, 255, 255, 0, 0, 0, 1, (byte)'s']));
        Assert.Equal((null, null), (query.FoundUser, query.FoundSecret));
    }

    [Fact]
    public void A_NULL_secret_is_one_that_no_password_matches()
    {
        var (query, _) = Asked();
        query.Take((byte)'D', [0, 2, 0, 0, 0, 1, (byte)'u', 255, 255, 255, 255]);
        Assert.Equal(("u", null), (query.FoundUser, query.FoundSecret));
    }
}
