using FastPool.Base;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Tests.Core.Sessions;

/// <summary>The form in which a connection changes its process.</summary>
public sealed class HandedFormTests
{
    private static HandedClient Client(byte[] tls) => new()
    {
        Database = "d",
        User = "u",
        Remote = EndAddress.OfUnix,
        Local = EndAddress.OfUnix,
        Stream = new HandedStream(7, IsBodySkipped: true, [1, 2], [8, 9], [3], tls),
    };

    private static byte[] Written(HandedClient client)
    {
        using var memory = new MemoryStream();
        using var to = new BinaryWriter(memory);
        client.Write(to, before: null);
        return memory.ToArray();
    }

    private static HandedClient Read(byte[] bytes)
    {
        using var from = new BinaryReader(new MemoryStream(bytes));
        var client = HandedClient.Read(from, before: null);
        Assert.Equal(bytes.Length, from.BaseStream.Position);
        return client;
    }

    [Fact]
    public void TLS_comes_along_and_is_forgotten_when_it_has_been_taken()
    {
        var stream = Read(Written(Client([5, 6, 7]))).Stream;
        Assert.Equal([5, 6, 7], stream.Tls);
        Assert.Equal((7, true), (stream.BodyRemaining, stream.IsBodySkipped));
        Assert.Equal([1, 2], stream.Held);
        Assert.Equal([8, 9], stream.Unread);
        Assert.Equal([3], stream.Unsent);
        stream.Forget();
        Assert.Equal(new byte[3], stream.Tls);
    }
}
