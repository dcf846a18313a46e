using System.Reflection;
using FastPool.Protocol;

namespace FastPool.Generators.Tests;

public class PreparedMessagesTests
{
    [Fact]
    public void Prepared_messages_are_as_the_manual_lays_them_out()
    {
        Same(PreparedMessages.Sync, "'S' 00000004");
        Same(PreparedMessages.Terminate, "'X' 00000004");
        Same(PreparedMessages.SSLRequest, "00000008 04d2162f");
        Same(PreparedMessages.AuthenticationOk, "'R' 00000008 00000000");
        Same(PreparedMessages.AuthenticationCleartextPassword, "'R' 00000008 00000003");
        Same(PreparedMessages.ReadyForQueryIdle, "'Z' 00000005 'I'");
        Same(PreparedMessages.ReadyForQueryInTransaction, "'Z' 00000005 'T'");
        Same(PreparedMessages.ParseComplete, "'1' 00000004");
        Same(PreparedMessages.BindComplete, "'2' 00000004");
        Same(PreparedMessages.CloseComplete, "'3' 00000004");
        Same(PreparedMessages.NoData, "'n' 00000004");
        Same(PreparedMessages.EmptyQueryResponse, "'I' 00000004");
    }

    /// <summary>
    /// As the manual's list of message formats has them; a type that the generator reads or writes is one of these.
    /// </summary>
    [Theory]
    [InlineData(typeof(FrontendMessage), From.Frontend, "BCcDdEFfHPpQSX")]
    [InlineData(typeof(BackendMessage), From.Backend, "123ACcDdEGHIKNnRSsTtVvWZ")]
    public void The_type_constants_of_a_direction_hold_every_type_once(Type constants, From direction, string types)
    {
        var held = constants.GetFields().Select(field => (byte)field.GetRawConstantValue()!);
        Assert.Equal(types.Select(type => (byte)type).Order(), held.Order());
        var declared = typeof(MessageAttribute).Assembly.GetTypes()
            .Select(type => type.GetCustomAttribute<MessageAttribute>())
            .Where(message => message is { Type: not '\0' } && (message.From == direction || message.From == From.Either))
            .Select(message => (byte)message!.Type);
        Assert.Empty(declared.Except(held));
    }

    private static void Same(ReadOnlySpan<byte> prepared, string wire) =>
        Assert.Equal(Convert.ToHexString(Notation.Bytes(wire)), Convert.ToHexString(prepared));
}
