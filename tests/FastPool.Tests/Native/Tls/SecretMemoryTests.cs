using FastPool.Native;

namespace FastPool.Tests.Native;

public sealed unsafe class SecretMemoryTests
{
    private readonly SecretMemory _memory = new();

    private static Span<byte> Bytes(nint place) => new((void*)place, RecordKeyPair.Bytes);

    private nint[] Rent(int count) => [.. Enumerable.Range(0, count).Select(_ => (nint)_memory.Rent())];

    private void Return(IEnumerable<nint> places)
    {
        foreach (var place in places) _memory.Return((RecordKeyPair*)place);
    }

    [Fact]
    public void Each_has_zeroed_memory_of_its_own()
    {
        var places = Rent(1000);
        foreach (var place in places)
        {
            Assert.Equal(-1, Bytes(place).IndexOfAnyExcept((byte)0));
            Bytes(place).Fill(0xff);
        }
        Return(places[..500]);
        foreach (var place in places[500..]) Assert.Equal(-1, Bytes(place).IndexOfAnyExcept((byte)0xff));
        foreach (var place in Rent(500)) Assert.Equal(-1, Bytes(place).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void That_of_a_crowd_goes_back_to_the_system_when_the_crowd_leaves()
    {
        var places = Rent(SecretMemory.PerChunk * 10);
        Assert.Equal(10, _memory.ChunkCount);
        new Random(1).Shuffle(places);
        Return(places[1..]);
        Assert.InRange(_memory.ChunkCount, 1, 2); // That of the one that stays, and perhaps one with room.
        Return(places[..1]);
        Assert.Equal(1, _memory.ChunkCount);
        Return(Rent(SecretMemory.PerChunk)); // One that comes and goes asks the system for nothing.
        Assert.Equal(1, _memory.ChunkCount);
    }
}
