using System.Reflection;
using FastPool.Protocol;

namespace FastPool.Generators.Tests;

public class PreparedMessagesTests
{
    [Fact]
    public void Prepared_messages_are_what_their_structs_write()
    {
        Same(PreparedMessages.Sync, default(Sync));
        Same(PreparedMessages.Flush, default(Flush));
        Same(PreparedMessages.Terminate, default(Terminate));
        Same(PreparedMessages.CopyDone, default(CopyDone));
        Same(PreparedMessages.SSLRequest, default(SSLRequest));
        Same(PreparedMessages.GSSENCRequest, default(GSSENCRequest));
        Same(PreparedMessages.AuthenticationOk, default(AuthenticationOk));
        Same(PreparedMessages.AuthenticationCleartextPassword, default(AuthenticationCleartextPassword));
        Same(PreparedMessages.AuthenticationSASLScramSha256, new AuthenticationSASL { Mechanisms = "SCRAM-SHA-256\0\0"u8 });
        Same(PreparedMessages.ReadyForQueryIdle, new ReadyForQuery { Status = (byte)'I' });
        Same(PreparedMessages.ReadyForQueryInTransaction, new ReadyForQuery { Status = (byte)'T' });
        Same(PreparedMessages.ReadyForQueryInFailedTransaction, new ReadyForQuery { Status = (byte)'E' });
        Same(PreparedMessages.ParseComplete, default(ParseComplete));
        Same(PreparedMessages.BindComplete, default(BindComplete));
        Same(PreparedMessages.CloseComplete, default(CloseComplete));
        Same(PreparedMessages.NoData, default(NoData));
        Same(PreparedMessages.EmptyQueryResponse, default(EmptyQueryResponse));
        Same(PreparedMessages.PortalSuspended, default(PortalSuspended));
    }

    [Theory]
    [InlineData(typeof(FrontendMessage), From.Frontend)]
    [InlineData(typeof(BackendMessage), From.Backend)]
    public void The_type_constants_of_a_direction_hold_every_type_once(Type constants, From direction)
    {
        IEnumerable<byte> declared = typeof(MessageAttribute).Assembly.GetTypes()
            .Select(type => type.GetCustomAttribute<MessageAttribute>())
            .Where(message => message is { Type: not '\0' } && (message.From == direction || message.From == From.Either))
            .Select(message => (byte)message!.Type)
            .Distinct();
        IEnumerable<byte> held = constants.GetFields().Select(field => (byte)field.GetRawConstantValue()!);
        Assert.Equal(declared.Order(), held.Order());
    }

    private static void Same<T>(ReadOnlySpan<byte> prepared, scoped T message) where T : IMessage<T>, allows ref struct
    {
        var written = new byte[message.Size];
        message.Write(written);
        Assert.Equal(Convert.ToHexString(written), Convert.ToHexString(prepared));
    }
}
