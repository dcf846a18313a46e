using System.Net;
using System.Net.Sockets;
using FastPool.Native;

namespace FastPool.Tests.Native;

public sealed class SocketsTests
{
    [Fact]
    public async Task Newcomers_that_a_listener_turns_away_find_the_other_one_on_its_port()
    {
        using var leaving = Listen(port: 0);
        var port = ((IPEndPoint)leaving.LocalEndPoint!).Port;
        using var staying = Listen(port);
        using var early = new TcpClient();
        do await early.ConnectAsync(IPAddress.Loopback, port);
        while (!leaving.Poll(0, SelectMode.SelectRead) && TakeOne(staying));

        Assert.Equal(0, Sockets.TryTurnAway((int)leaving.Handle));
        var newcomers = Enumerable.Range(0, 32).Select(_ => new TcpClient()).ToList();
        var connects = newcomers.Select(client => client.ConnectAsync(IPAddress.Loopback, port)).ToList();
        using var accepted = await leaving.AcceptAsync(); // One that was there before is not lost.
        Assert.False(leaving.Poll(0, SelectMode.SelectRead));
        leaving.Close();
        await Task.WhenAll(connects);
        foreach (var _ in newcomers) (await staying.AcceptAsync()).Dispose();
        newcomers.ForEach(static client => client.Dispose());

        bool TakeOne(Socket listener)
        {
            listener.Accept().Dispose();
            early.Client.Dispose();
            early.Client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            return true;
        }
    }

    private static Socket Listen(int port)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Equal(0, Sockets.TrySet((int)listener.Handle, FastPool.Native.SocketOption.ReusePort, 1));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(128);
        return listener;
    }
}
