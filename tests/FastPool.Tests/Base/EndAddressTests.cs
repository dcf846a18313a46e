using System.Net;
using FastPool.Base;
using FastPool.Native;

namespace FastPool.Tests.Base;

/// <summary>A socket of both families tells of IPv4 clients as ::ffff:a.b.c.d; every reader sees IPv4.</summary>
public sealed class EndAddressTests
{
    [Fact]
    public void A_mapped_address_is_one_of_IPv4_however_it_comes()
    {
        byte[] sockaddr = [10, 0, 0x1A, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 1, 2, 3, 0, 0, 0, 0];
        EndAddress[] addresses =
        [
            EndAddress.Read(sockaddr),
            EndAddress.Parse("::ffff:10.1.2.3", 6666),
            NativeAddress.Ip(IPAddress.Parse("::ffff:10.1.2.3"), 6666).ToEndAddress(),
        ];
        foreach (var address in addresses)
        {
            Assert.Equal("10.1.2.3", address.ToString());
            Assert.Equal(6666, address.Port);
            Assert.False(address.IsV6);
            Assert.Equal(IPAddress.Parse("10.1.2.3"), address.ToIPAddress());
            Assert.Equal(EndAddress.Parse("10.1.2.3", 6666).Network, address.Network);
            Assert.Equal(EndAddress.Parse("10.1.2.3", 6666), address);
        }
    }

    [Theory]
    [InlineData("::1")]
    [InlineData("::fffe:10.1.2.3")]
    [InlineData("64:ff9b::a01:203")]
    [InlineData("0:1::ffff:a01:203")]
    public void Other_addresses_of_IPv6_stay_what_they_are(string text)
    {
        var address = EndAddress.Parse(text, 1);
        Assert.True(address.IsV6);
        Assert.Equal(IPAddress.Parse(text), address.ToIPAddress());
    }

    [Fact]
    public void A_socket_for_a_mapped_address_is_one_of_IPv4() =>
        Assert.Equal(SocketFamily.V4, NativeAddress.Ip(IPAddress.Parse("::ffff:127.0.0.1"), 1).Family);
}
