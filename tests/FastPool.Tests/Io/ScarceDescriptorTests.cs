using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using FastPool.Base;
using FastPool.Io;
using FastPool.Native;

namespace FastPool.Tests.Io;

/// <summary>Numbers of descriptors are those of the process: no other test runs meanwhile.</summary>
[CollectionDefinition(nameof(ScarceDescriptorTests), DisableParallelization = true)]
[Collection(nameof(ScarceDescriptorTests))]
public sealed partial class ScarceDescriptorTests
{
    private const int OpenFiles = 7; // RLIMIT_NOFILE
    private const int Connections = 20;

    /// <summary>The ring closes with its next call. Until then what is closed has its descriptor.</summary>
    [Theory]
    [InlineData(RingUse.All, false)]
    [InlineData(RingUse.All, true)]
    [InlineData(RingUse.None, false)]
    [InlineData(RingUse.None, true)]
    public void Connections_that_are_closed_make_room_for_others_at_once(RingUse use, bool hasLimit)
    {
        using var engine = new SocketEngine(new BufferPool(), static _ => { }, use);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        listener.Blocking = false;
        engine.Turn(0, new TurnObserver(isStrict: true));
        var target = NativeAddress.Ip(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndPoint!).Port);
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        far.Connect(listener.LocalEndPoint);
        var sinks = Enumerable.Range(0, Connections).Select(static _ => new Sink()).ToList();
        foreach (var sink in sinks) Assert.Equal(0, engine.Attach(sink, DescriptorPassing.TryDuplicate((int)far.Handle)));
        engine.Turn(0, new TurnObserver(isStrict: true));
        var fillers = Fill(sinks.Max(static sink => sink.Handle));
        var acceptor = new Acceptor();
        Limit before = default;
        if (hasLimit)
        {
            Assert.Equal(0, GetLimit(OpenFiles, ref before));
            SetSoftLimit(before, (ulong)sinks.Max(static sink => sink.Handle) + 1);
        }
        else
        {
            engine.Descriptors.SetLimit(LimitThatKeepsFrom(sinks.Min(static sink => sink.Handle) + 3));
        }
        int refused, connected, acceptErrno;
        try
        {
            refused = engine.Connect(new Sink(), target);
            foreach (var sink in sinks) engine.Close(sink);
            acceptErrno = engine.AcceptAll((int)listener.Handle, acceptor, 1);
            foreach (var accepted in acceptor.Accepted) Sockets.Close(accepted);
            var again = new Sink();
            connected = engine.Connect(again, target);
            engine.Close(again);
            again = new Sink();
            connected = Math.Max(connected, engine.Connect(again, target)); // The same once more, for a connect.
            engine.Close(again);
        }
        finally
        {
            if (hasLimit) SetSoftLimit(before, before.Soft);
        }
        Assert.Equal((Errno.EMFILE, 0, 0), (refused, acceptErrno, connected));
        Assert.False(engine.Descriptors.IsKept(Assert.Single(acceptor.Accepted)));
        fillers.ForEach(Sockets.Close);
    }

    /// <summary>Takes all numbers up to that one.</summary>
    private static List<int> Fill(int last)
    {
        var fillers = new List<int>();
        do fillers.Add(Sockets.TryOpen(SocketFamily.Unix));
        while (fillers[^1] < last);
        Sockets.Close(fillers[^1]);
        fillers.RemoveAt(fillers.Count - 1);
        return fillers;
    }

    private static ulong LimitThatKeepsFrom(int descriptor)
    {
        var reserve = new DescriptorReserve();
        var limit = (ulong)descriptor;
        do reserve.SetLimit(++limit);
        while (reserve.IsKept(descriptor - 1) || !reserve.IsKept(descriptor));
        return limit;
    }

    private static void SetSoftLimit(Limit limit, ulong soft)
    {
        limit.Soft = soft;
        Assert.Equal(0, SetLimit(OpenFiles, ref limit));
    }

    /// <summary>struct rlimit.</summary>
    private struct Limit
    {
        internal ulong Soft;
        internal ulong Hard;
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, ref Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, ref Limit limit);

    private sealed class Acceptor : IAcceptor
    {
        public List<int> Accepted { get; } = [];

        public void OnAccepted(int handle, EndAddress remote) => Accepted.Add(handle);

        public void OnAcceptFailed(int errno) => Assert.Fail("nothing tells of it");
    }

    private sealed class Sink : Endpoint
    {
        public override void OnReceived(byte[] buffer, int start, int count) => Assert.Fail("nothing comes");

        public override void OnEnded(int errno) => Assert.Fail("it has not ended");

        public override void OnBroken() => Assert.Fail("it is not broken");

        public override void OnDrained()
        {
        }
    }
}
