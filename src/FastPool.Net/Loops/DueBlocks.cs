using System.Runtime.CompilerServices;
using FastPool.Base;

namespace FastPool.Net;

/// <summary>
/// By when the connections of a list want to be looked at. They are counted in blocks of 64, and a block has the time of its most
/// urgent one: so a connection that wants nothing costs a tick nothing, and no memory. A time may be too early, never too late.
/// </summary>
internal sealed class DueBlocks
{
    internal const int Size = 64;

    /// <summary>Nothing is wanted until <see cref="Touch"/>.</summary>
    internal const long Never = long.MaxValue;

    private const int Bits = 6;
    private const int SmallestRoom = 4;

    private long[] _dueUs = [];
    private long _firstUs = Never;
    private int _lookingAt = -1;
    private bool _mayRest; // Some block may want nothing.

    /// <summary>
    /// Something has begun on that connection. On the way of a transaction: where all blocks are to be looked at anyway, it is
    /// one comparison.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Touch(int index)
    {
        if (_mayRest) TouchBlock(index);
    }

    private void TouchBlock(int index)
    {
        var block = index >> Bits;
        if ((uint)block < (uint)_dueUs.Length && _dueUs[block] == Never) _dueUs[block] = _firstUs = 0;
    }

    /// <summary>All are looked at in the next tick.</summary>
    internal void TouchAll()
    {
        Array.Clear(_dueUs);
        _firstUs = 0;
    }

    /// <summary>A connection has come into the list.</summary>
    internal void Added(int index)
    {
        var block = index >> Bits;
        if (block >= _dueUs.Length) Array.Resize(ref _dueUs, Math.Max(SmallestRoom, block * 2));
        _dueUs[block] = _firstUs = 0;
    }

    /// <summary>A connection has another place in the list.</summary>
    internal void Moved(int from, int to)
    {
        // In the midst of a look at its block, its time is not known there.
        var isLookedAt = from >> Bits == _lookingAt && to >> Bits != _lookingAt;
        ref var dueUs = ref _dueUs[to >> Bits];
        dueUs = isLookedAt ? 0 : Math.Min(dueUs, _dueUs[from >> Bits]);
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    /// <param name="count">Connections in the list.</param>
    internal void GiveBack(int count) => SpareRoom.GiveBack(ref _dueUs, (count + Size - 1) >> Bits, SmallestRoom);

    /// <summary>So many blocks fit without another array.</summary>
    internal int Room => _dueUs.Length;

    /// <summary>Looks at those whose time has come.</summary>
    /// <param name="look">
    /// By when the connection wants to be looked at again; <see cref="Never"/>: not before it is touched. It may close
    /// connections. When it throws, all are looked at in the next tick.
    /// </param>
    internal void Tick<T>(ConnectionList<T> list, long nowUs, Func<T, long> look)
        where T : class
    {
        if (nowUs < _firstUs) return;
        _firstUs = Never;
        var mayRest = false;
        var isThrough = false;
        try
        {
            for (var block = (list.Count - 1) >> Bits; block >= 0; block--)
            {
                if (_dueUs[block] <= nowUs) LookAt(block, list, look);
                _firstUs = Math.Min(_firstUs, _dueUs[block]);
                mayRest |= _dueUs[block] == Never;
            }
            _mayRest = mayRest;
            isThrough = true;
        }
        finally
        {
            _lookingAt = -1;
            if (!isThrough) TouchAll();
        }
    }

    private void LookAt<T>(int block, ConnectionList<T> list, Func<T, long> look)
        where T : class
    {
        _lookingAt = block;
        _mayRest = true;
        _dueUs[block] = Never; // Those touched meanwhile are looked at again.
        var nextUs = Never;
        for (var i = Math.Min(list.Count, (block + 1) << Bits) - 1; i >= block << Bits; i--)
        {
            if (i < list.Count) nextUs = Math.Min(nextUs, look(list[i])); // One close may bring about another.
        }
        _dueUs[block] = Math.Min(_dueUs[block], nextUs);
        _lookingAt = -1;
    }
}
