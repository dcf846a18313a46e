using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Listings;

/// <summary>Descriptors for another process: copies, made on the loop that has the connection.</summary>
public sealed class DescriptorTests
{
    private readonly ConsoleWorld _world = new(loops: 2);

    public DescriptorTests()
    {
        _world.Loops[0].Listeners.Add(new ListenerView(3, "127.0.0.1", 7510));
        _world.Loops[1].Listeners.Add(new ListenerView(3, "127.0.0.1", 7510));
        _world.Client("p0", loop: 0).Transport = new View(7, "");
        _world.Client("p0", loop: 1).Transport = new View(8, "");
        _world.Client("p1", loop: 0).Transport = new View(9, "TLSv1.3");
        _world.Client("p1", loop: 1).Transport = new View(-1, ""); // About to connect.
    }

    private NumberedDescriptors Numbers => _world.Posts.Numbers;

    private sealed record View(int Descriptor, string Tls, BufferView Buffer = default) : ILinkEnd
    {
        public bool IsMidMessage => false;

        public bool HasSentAll => true;

        public void Join(ILinkEnd other) => Assert.Fail("nobody is linked here");

        public void Part() => Assert.Fail("nobody is linked here");
    }

    [Fact]
    public void Copies_of_descriptors_are_sent_and_the_rows_keep_the_numbers()
    {
        var reply = _world.Query(_world.OwnUser(), "show fds");
        Assert.Equal("SHOW", reply.Tag);
        var sent = reply.Sent.ConvertAll(static message => Assert.Single(message.Descriptors));
        Assert.Equal([3, 7, 8], sent.Select(static copy => copy % 1000));
        Assert.Equal(sent.Order(), Numbers.Open.Order());
        var shown = Message.ReadAll([.. reply.Sent.SelectMany(static message => message.Bytes)])
            .Select(static row => row.Values[0]);
        Assert.Equal(["3", "7", "8"], shown);
        reply.Copies!.Dispose();
        Assert.Empty(Numbers.Open);
        reply.Copies.Dispose(); // Once more closes nothing.
    }

    [Fact]
    public void SHOW_FDS_of_a_session_that_only_looks_copies_no_descriptor()
    {
        Assert.Equal("SHOW", _world.Query("show fds").Tag);
        Assert.Empty(Numbers.Open);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Where_the_limit_of_open_files_is_too_low_the_whole_command_fails(int room)
    {
        Numbers.Room = room;
        var reply = _world.Query(_world.OwnUser(), "show fds");
        Assert.Equal("ERROR/53000 \"could not duplicate the descriptors: error 24\"", reply.Error);
        Assert.Empty(reply.Sent);
        Assert.Empty(Numbers.Open);
    }

    [Fact]
    public void A_takeover_gets_copies_or_an_error_too()
    {
        _world.Registry.State.IsFrozen = true;
        var own = _world.OwnUser();
        var reply = _world.Query(own, "show takeover");
        var listener = Assert.Single(reply.Sent.SelectMany(static message => message.Descriptors));
        Assert.Equal((1003, 1), (listener, Numbers.Open.Count));
        reply.Copies!.Dispose();
        Numbers.Room = 0;
        Assert.StartsWith("ERROR/53000", _world.Query(own, "show takeover").Error, StringComparison.Ordinal);
        Assert.Empty(Numbers.Open);
    }
}
