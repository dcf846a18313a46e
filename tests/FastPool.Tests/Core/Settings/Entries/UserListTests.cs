namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class UserListTests
{
    private const string Stored = "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=";
    private const string Verifier = $"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${Stored}:{Stored}";

    [Theory]
    [InlineData("", "")]
    [InlineData("\n ; comment\n\n", "")]
    [InlineData("\"a\" \"b\"", "a:b")]
    [InlineData("\"a\" \"b\"\n\"c\" \"d\"\n", "a:b|c:d")]
    [InlineData("  \"a\"\t\"b\" \"third\" # rest\n\"c\" \"d\"", "a:b|c:d")]
    [InlineData("\"a\" xx\n yy\"b\"", "a:b")]
    [InlineData("\"a\"\"b\" \"c\"\"d\"", "a\"b:c\"d")]
    [InlineData("\"a\nb\" \"c\nd\"", "a\nb:c\nd")]
    [InlineData("\"\" \"\"", ":")]
    [InlineData("\"a\" \"1\"\n\"a\" \"2\"", "a:2")]
    [InlineData("\"a\" \"b\\\" x", "a:b\\")]
    public void Records_are_two_quoted_fields(string text, string users)
    {
        var log = new List<LogText>();
        Assert.Equal(users, UsersOf(Load(text, log)));
        Assert.Empty(log);
    }

    [Theory]
    [InlineData("# comment\n\"a\" \"b\"", "")]
    [InlineData("\"a\" \"b\"\nx", "a:b")]
    [InlineData("\"a\" \"b\"\n\"c\"\n", "a:b")]
    [InlineData("\"a\" \"b\"\n\"c\" \"d\n", "a:b")]
    [InlineData("\"a\"\"b\"", "")]
    [InlineData("\"a", "")]
    public void A_broken_record_ends_the_reading(string text, string users)
    {
        var log = new List<LogText>();
        Assert.Equal(users, UsersOf(Load(text, log)));
        Assert.Equal(["ERROR broken auth file"], Loading.Lines(log));
    }

    [Theory]
    [InlineData(127, 65_535, null)]
    [InlineData(128, 1, "ERROR username too long in auth file")]
    [InlineData(1, 65_536, "ERROR password too long in auth file")]
    public void Fields_have_limits(int userLength, int secretLength, string? error)
    {
        var log = new List<LogText>();
        var record = $"\"{new string('u', userLength)}\" \"{new string('p', secretLength)}\"\n";
        var users = Load("\"a\" \"b\"\n" + record + "\"z\" \"z\"", log);
        Assert.Equal(error is null ? 3 : 1, users.Count);
        Assert.Equal(error is null ? [] : [error], Loading.Lines(log));
    }

    [Fact]
    public void Limits_count_the_raw_text()
    {
        var log = new List<LogText>();
        Assert.Equal(1, Load($"\"{string.Concat(Enumerable.Repeat("\"\"", 63))}\" \"\"", log).Count);
        Assert.Equal(0, Load($"\"{string.Concat(Enumerable.Repeat("\"\"", 64))}\" \"\"", log).Count);
    }

    [Theory]
    [InlineData("", SecretKind.Empty)]
    [InlineData("secret", SecretKind.Plain)]
    [InlineData("md50123456789abcdef0123456789abcdef", SecretKind.Md5)]
    [InlineData("md50123456789ABCDEF0123456789ABCDEF", SecretKind.Plain)]
    [InlineData("MD50123456789abcdef0123456789abcdef", SecretKind.Plain)]
    [InlineData("md50123456789abcdef0123456789abcde", SecretKind.Plain)]
    [InlineData("md50123456789abcdef0123456789abcdef0", SecretKind.Plain)]
    [InlineData(Verifier, SecretKind.Scram)]
    [InlineData("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$short:short", SecretKind.Plain)]
    [InlineData($"SCRAM-SHA-256$x:W22ZaJ0SNY7soEsUEjb6gQ==${Stored}:{Stored}", SecretKind.Plain)]
    [InlineData($"SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==${Stored}:{Stored}", SecretKind.Plain)]
    [InlineData($"SCRAM-SHA-256$4096:%%%%${Stored}:{Stored}", SecretKind.Plain)]
    [InlineData($"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${Stored}", SecretKind.Plain)]
    [InlineData($"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${Stored}:{Stored}:", SecretKind.Plain)]
    [InlineData($"scram-sha-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==${Stored}:{Stored}", SecretKind.Plain)]
    [InlineData("SCRAM-SHA-256$", SecretKind.Plain)]
    public void A_secret_is_known_by_its_form(string text, SecretKind kind)
    {
        var secret = Secret.Of(text);
        Assert.Equal((kind, text), (secret.Kind, secret.Text));
        Assert.Equal(kind == SecretKind.Scram ? 32 : 0, secret.StoredKey.Length);
    }

    [Fact]
    public void A_verifier_comes_apart()
    {
        var secret = Secret.Of(Verifier);
        Assert.Equal(4096, secret.Iterations);
        Assert.Equal(Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="), secret.Salt);
        Assert.Equal(Convert.FromBase64String(Stored), secret.StoredKey);
        Assert.Equal(Convert.FromBase64String(Stored), secret.ServerKey);
    }

    [Fact]
    public void A_name_that_is_not_in_the_list_is_unknown()
    {
        Assert.False(UserList.Empty.TryGet("a", out var secret));
        Assert.Same(Secret.Empty, secret);
    }

    [Fact]
    public void Ten_thousand_users_are_found_and_none_is_kept_as_an_object()
    {
        const int Users = 10_000;
        var file =
            System.Text.Encoding.Latin1.GetBytes(
            string.Concat(Enumerable.Range(0, Users).Select(static i => $"\"user \"\"{i}\"\"\" \"secret of {i}\"\n")));
        List<LogText> log = [];
        var users = UserList.Load(file, log);
        Assert.Equal(Users, users.Count);
        for (var i = 0; i < Users; i++)
        {
            Assert.True(users.TryGet($"user \"{i}\"", out var secret));
            Assert.Equal($"secret of {i}", secret.Text);
            Assert.False(users.TryGet($"user {i}", out _));
        }
        Assert.Equal(Users, users.Secrets.Count());
        users.TryGet("user \"1\"", out var first);
        users.TryGet("user \"1\"", out var second);
        Assert.NotSame(first, second); // Made from the file each time.
        Assert.Empty(log);
    }

    private static UserList Load(string text, List<LogText> log) =>
        UserList.Load(System.Text.Encoding.Latin1.GetBytes(text), log);

    private static string UsersOf(UserList users) => string.Join('|', users.Names.Select(name =>
    {
        Assert.True(users.TryGet(name, out var secret));
        return $"{name}:{secret.Text}";
    }));
}
