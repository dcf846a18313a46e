using System.Reflection;
using FastPool.Protocol;

namespace FastPool.Generators.Tests;

/// <summary>Lengths that no message of its type can have are refused before a session looks into the message.</summary>
public class MessageLengthsTests
{
    [Theory]
    [InlineData('Z', 5, false)] // Once read past its end.
    [InlineData('Z', 6, true)]
    [InlineData('Z', 7, false)]
    [InlineData('1', 5, true)]
    [InlineData('1', 6, false)]
    [InlineData('K', 12, false)]
    [InlineData('K', 13, true)]
    [InlineData('K', 265, true)]
    [InlineData('K', 266, false)]
    [InlineData('S', 6, false)]
    [InlineData('S', 7, true)]
    [InlineData('S', MessageLengths.ParameterStatusMax, true)]
    [InlineData('S', MessageLengths.ParameterStatusMax + 1, false)]
    [InlineData('R', 8, false)]
    [InlineData('E', int.MaxValue, true)]
    [InlineData('?', 5, true)] // Unknown: the session says so.
    public void A_servers_message_has_a_least_and_a_greatest_length(char type, int length, bool fits) =>
        Assert.Equal(fits, MessageLengths.FitsServer((byte)type, length));

    [Theory]
    [InlineData('Q', 5, true)]
    [InlineData('Q', int.MaxValue, true)]
    [InlineData('S', 10_001, true)]
    [InlineData('S', 10_002, false)]
    [InlineData('C', 10_002, false)]
    public void A_clients_small_message_has_the_bound_that_PostgreSQL_gives_it(char type, int length, bool fits) =>
        Assert.Equal(fits, MessageLengths.FitsClient((byte)type, length));

    [Fact]
    public void Every_type_that_a_server_sends_has_a_row()
    {
        var types = typeof(BackendMessage).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (byte)field.GetRawConstantValue()!).Distinct();
        Assert.All(types,
            type => Assert.False(type != BackendMessage.CopyData && MessageLengths.FitsServer(type, MessageHeader.Size)
            && MessageLengths.FitsServer(type, MessageHeader.Size + 1)));
    }
}
