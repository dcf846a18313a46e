using FastPool.Protocol;

namespace FastPool.Generators.Tests;

public class MessageHeaderTests
{
    private const uint NoLimit = int.MaxValue;

    [Theory]
    [InlineData("")]
    [InlineData("51")]
    [InlineData("51000000")]
    [InlineData("51ffffff")] // Already hopeless, but nothing is decided before the header is complete.
    [InlineData("00")]
    [InlineData("00000008")]
    [InlineData("000000080004d2")]
    [InlineData("00ffffffffffff")]
    public void Nothing_is_decided_until_the_header_is_complete(string header) =>
        Assert.Equal(HeaderStatus.NeedMore, Read(header, NoLimit).Status);

    [Theory]
    [InlineData("5100000004", 5)]
    [InlineData("5100000005", 6)]
    [InlineData("7a00010000", 65537)]
    [InlineData("ff00000004", 5)] // Whether a type is known is not the framing's question.
    [InlineData("517ffffffe", int.MaxValue)]
    public void A_typed_packet_is_one_byte_longer_than_its_length_word(string header, int length)
    {
        (var status, var type, var totalLength) = Read(header, NoLimit);
        Assert.Equal(HeaderStatus.Complete, status);
        Assert.Equal(Convert.FromHexString(header)[0], type);
        Assert.Equal(length, totalLength);
    }

    [Theory]
    [InlineData("5100000003")]
    [InlineData("5100000000")]
    public void A_length_word_that_does_not_count_itself_is_bad(string header) =>
        Assert.Equal(HeaderStatus.Bad, Read(header, NoLimit).Status);

    [Theory]
    [InlineData("517fffffff")]
    [InlineData("5180000000")]
    [InlineData("51fffffffe")]
    [InlineData("51ffffffff")]
    public void A_length_beyond_two_gigabytes_is_bad_whatever_the_limit(string header)
    {
        Assert.Equal(HeaderStatus.Bad, Read(header, NoLimit).Status);
        Assert.Equal(HeaderStatus.Bad, Read(header, uint.MaxValue).Status);
    }

    [Theory]
    [InlineData("5100000063", HeaderStatus.Complete)] // 100 bytes with the type.
    [InlineData("5100000064", HeaderStatus.Bad)]
    public void Max_packet_size_counts_the_type_byte(string header, HeaderStatus expected) =>
        Assert.Equal(expected, Read(header, maxPacketSize: 100).Status);

    [Theory]
    [InlineData("0000006400030000", HeaderStatus.Complete)]
    [InlineData("0000006500030000", HeaderStatus.Bad)]
    public void Max_packet_size_holds_for_untyped_packets_too(string header, HeaderStatus expected) =>
        Assert.Equal(expected, Read(header, maxPacketSize: 100).Status);

    [Theory]
    [InlineData("0000000704d2162f")]
    [InlineData("0000000004d2162f")]
    public void An_untyped_packet_shorter_than_its_header_is_bad(string header) =>
        Assert.Equal(HeaderStatus.Bad, Read(header, NoLimit).Status);

    [Theory]
    [InlineData("0000ffff00030000", HeaderStatus.Complete)]
    [InlineData("0001000000030000", HeaderStatus.Bad)]
    [InlineData("0001000800030000", HeaderStatus.Bad)]
    public void An_untyped_packet_begins_with_two_zeros_and_so_has_at_most_65535_bytes(string header, HeaderStatus expected) =>
        Assert.Equal(expected, Read(header, NoLimit).Status);

    [Theory]
    [InlineData(80877102u, true)]
    [InlineData(80877103u, true)]
    [InlineData(80877104u, true)]
    [InlineData(80877101u, false)]
    [InlineData(80877105u, false)]
    [InlineData(0x0002_0000u, true)]
    [InlineData(0x0002_0001u, false)]
    [InlineData(0x0001_0000u, false)]
    [InlineData(0x0002_FFFFu, false)]
    [InlineData(0x0003_0000u, true)]
    [InlineData(0x0003_0001u, true)]
    [InlineData(0x0003_FFFFu, true)]
    [InlineData(0x0004_0000u, false)]
    [InlineData(0u, false)]
    public void Only_the_known_codes_begin_an_untyped_packet(uint code, bool known)
    {
        var packet = Convert.FromHexString($"00000008{code:x8}");
        var status = MessageHeader.TryReadUntyped(packet, NoLimit, out var read, out var length);
        Assert.Equal(known ? HeaderStatus.Complete : HeaderStatus.Bad, status);
        Assert.Equal(code, read);
        Assert.Equal(8, length);
        Assert.Equal(status, MessageHeader.TryRead(packet, NoLimit, out var type, out _));
        Assert.Equal(0, type);
        Assert.Equal(code, MessageHeader.ReadCode(packet));
    }

    [Fact]
    public void A_typed_packet_is_never_taken_for_an_untyped_one() =>
        Assert.Equal(HeaderStatus.Bad, MessageHeader.TryReadUntyped("Q\0\0\0\u0004\0\0\0"u8, NoLimit, out _, out _));

    [Fact]
    public void A_complete_length_always_moves_forward_and_stays_in_the_limit()
    {
        var random = new Random(17);
        for (var i = 0; i < 100_000; i++)
        {
            var header = random.Data(8);
            if (i % 2 == 0) header[0] = header[1] = 0;
            var limit = (uint)random.Next(5, int.MaxValue);
            if (MessageHeader.TryRead(header, limit, out _, out var length) == HeaderStatus.Complete)
                Assert.InRange((uint)length, (uint)MessageHeader.Size, limit);
        }
    }

    private static (HeaderStatus Status, byte Type, int TotalLength) Read(string header, uint maxPacketSize)
    {
        var status = MessageHeader.TryRead(Convert.FromHexString(header), maxPacketSize, out var type, out var length);
        return (status, type, length);
    }
}
