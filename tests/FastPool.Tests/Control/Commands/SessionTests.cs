using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Commands;

public sealed class SessionTests
{
    [Fact]
    public void A_console_session_is_welcomed_with_the_poolers_own_parameters()
    {
        var world = new ConsoleWorld();
        var client = world.Client("pgbouncer", "admin");
        var interner = world.Loops[0].Context.Interner;
        client.Parameters = interner.With(client.Parameters, 4, "psql");
        client.Parameters = interner.With(client.Parameters, TrackedParameters.ClientEncoding, "LATIN1");
        var messages = Message.ReadAll(world.Plane.Console.Welcome(client));
        Assert.Equal('R', messages[0].Type);
        Assert.Equal([0, 0, 0, 0], messages[0].Body);
        Assert.Equal(
            [
                "S:pgbouncer.version=1.26.1", "S:server_version=1.26.1/bouncer",
                "S:client_encoding=UTF8", "S:server_encoding=UTF8", "S:DateStyle=ISO",
                    "S:TimeZone=GMT",
                "S:standard_conforming_strings=on", "S:is_superuser=on", "S:client_encoding=LATIN1", "S:application_name=psql",
            ],
            messages.Skip(1).SkipLast(2).Select(static message => message.Text));
        Assert.Equal('K', messages[^2].Type);
        Assert.Equal(client.CancelKey, System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(messages[^2].Body));
        Assert.Equal("Z:I", messages[^1].Text);
    }

    [Theory]
    [InlineData('P', "extended query protocol not supported by admin console")]
    [InlineData('B', "extended query protocol not supported by admin console")]
    [InlineData('E', "extended query protocol not supported by admin console")]
    [InlineData('S', "unsupported packet type for admin console: 83")]
    [InlineData('H', "unsupported packet type for admin console: 72")]
    [InlineData('D', "unsupported packet type for admin console: 68")]
    [InlineData('F', "unsupported packet type for admin console: 70")]
    public void Other_messages_than_queries_are_refused(char type, string text)
    {
        var world = new ConsoleWorld();
        var admin = world.Admin();
        var messages = Message.ReadAll(world.Plane.Console.RefuseMessage(admin, (byte)type));
        Assert.Equal([$"ERROR/08P01 \"{text}\"", "Z:I"], messages.Select(static message => message.Text));
        Assert.Equal([$"ERROR {text}", $"WARNING {admin.LogPrefix}pooler error: {text}"], world.Log.Lines);
    }
}
