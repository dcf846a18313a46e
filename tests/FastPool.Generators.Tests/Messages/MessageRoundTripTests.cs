using System.Reflection;
using FastPool.Protocol;

namespace FastPool.Generators.Tests;

public class MessageRoundTripTests
{
    private const int Seed = 20261125;
    private const int Rounds = 200;
    private const uint MaxPacketSize = int.MaxValue;

    [Fact]
    public void Every_message_of_the_protocol_has_a_case()
    {
        var declared = typeof(MessageAttribute).Assembly.GetTypes()
            .Where(type => type.GetCustomAttribute<MessageAttribute>() is not null)
            .Select(type => type.Name);
        Assert.Equal(declared.Order(), MessageCases.All.Select(message => message.Name).Order());
    }

    [Fact]
    public void Every_message_is_written_as_the_manual_lays_it_out() =>
        Assert.All(MessageCases.All, message => Assert.Equal(message.Packet, message.WriteSample()));

    [Fact]
    public void Every_message_is_read_back_as_it_was_written() =>
        ForEachRandomPacket((message, packet) =>
        {
            Assert.True(Survives(message, MessageHeader.Body(packet)));
        });

    [Fact]
    public void Every_written_packet_is_framed_with_its_whole_length() =>
        ForEachRandomPacket((message, packet) =>
        {
            // The version word is random here, and framing refuses unknown ones.
            if (message.Type == typeof(StartupMessage)) packet = message.Packet;
            byte[] stream = [.. packet, 0xFF, 0xFF, 0xFF];
            Assert.Equal(HeaderStatus.Complete, MessageHeader.TryRead(stream, MaxPacketSize, out var type, out var length));
            Assert.Equal(packet.Length, length);
            Assert.Equal(packet[0], type);
        });

    [Fact]
    public void A_body_cut_anywhere_is_refused_or_is_another_legal_body() =>
        ForEachRandomPacket((message, packet) =>
        {
            var body = MessageHeader.Body(packet);
            for (var length = 0; length < body.Length; length++)
            {
                var survived = Survives(message, body.Slice(0, length));
                Assert.True(TakesRest(message) || !survived, $"{message.Name} cut to {length}");
            }
        });

    [Fact]
    public void A_byte_too_many_is_refused_unless_the_message_takes_the_rest() =>
        ForEachRandomPacket((message, packet) =>
        {
            byte[] body = [.. MessageHeader.Body(packet), 0];
            Assert.Equal(TakesRest(message), Survives(message, body));
        });

    [Fact]
    public void Random_bytes_are_refused_or_read_without_loss() =>
        ForEachRandomPacket((message, _, random) => Survives(message, random.Data()));

    [Fact]
    public void A_damaged_body_is_refused_or_read_without_loss() =>
        ForEachRandomPacket((message, packet, random) =>
        {
            var body = MessageHeader.Body(packet).ToArray();
            if (body.Length == 0) return;
            body[random.Next(body.Length)] = random.Byte();
            Survives(message, body);
        });

    [Fact]
    public void A_code_of_another_message_is_refused() =>
        Assert.All(MessageCases.All.Where(HasCode), message =>
        {
            var body = MessageHeader.Body(message.Packet).ToArray();
            body[3]++;
            Assert.False(Survives(message, body));
        });

    [Fact]
    public void A_destination_shorter_than_the_message_is_an_exception() =>
        Assert.All(MessageCases.All, message =>
            Assert.Throws<ArgumentException>(() => message.WriteSampleInto(message.Packet.Length - 1)));

    [Fact]
    public void A_text_that_holds_a_NUL_is_not_written() =>
        Assert.Throws<ArgumentException>(() => new Query { Text = "SELECT\0 1"u8 }.Write(new byte[100]));

    [Fact]
    public void A_field_of_fixed_length_takes_no_other_length() =>
        Assert.Throws<ArgumentException>(() => new AuthenticationMD5Password { Salt = "abc"u8 }.Write(new byte[100]));

    [Theory]
    [InlineData("0000", true)]
    [InlineData("0001 00000017", true)]
    [InlineData("0002 00000017", false)]
    [InlineData("0001 0000001700", false)]
    [InlineData("00", false)]
    public void Parse_knows_whether_its_parameter_types_are_whole(string types, bool whole)
    {
        var bytes = Notation.Bytes(types);
        Assert.Equal(whole, new Parse { ParameterTypes = bytes }.HasWholeParameterTypes);
    }

    private static bool TakesRest(MessageCase message) =>
        message.Type.GetProperties().Any(property => property.GetCustomAttribute<RestAttribute>() is not null);

    private static bool HasCode(MessageCase message) => message.Type.GetField("Code") is not null;

    private static void ForEachRandomPacket(Action<MessageCase, byte[]> check) =>
        ForEachRandomPacket((message, packet, _) => check(message, packet));

    private static void ForEachRandomPacket(Action<MessageCase, byte[], Random> check)
    {
        var random = new Random(Seed);
        foreach (var message in MessageCases.All)
            for (var round = 0; round < Rounds; round++) check(message, message.WriteRandom(random), random);
    }

    /// <summary>Whether the body is read. If it is, it must come out as it went in.</summary>
    private static bool Survives(MessageCase message, ReadOnlySpan<byte> body)
    {
        var destination = new byte[body.Length + MessageHeader.Size];
        var written = message.Rewrite(body, destination);
        if (written < 0) return false;
        var again = MessageHeader.Body(destination.AsSpan(0, written));
        if (!again.SequenceEqual(body)) Assert.Fail($"{message.Name} came back changed: {Convert.ToHexString(body)}");
        return true;
    }
}
