using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

/// <summary>
/// The bytes that one delivery sends to one endpoint, gathered: runs of the received buffer, and bytes of ours between them.
/// One run leaves in one send; several in one sendmsg. Bytes are here only together with their target: they can reach no other
/// peer. Belongs to a loop; empty between deliveries.
/// </summary>
public sealed class Outbox
{
    private const int ScratchBytes = 64 * 1024;

    /// <summary>A run as short as this costs less to copy than a second piece costs the kernel.</summary>
    private const int CopyBytes = 1024;

    private readonly Segment[] _segments = new Segment[Sockets.SegmentsMax];
    private readonly byte[] _scratch = BufferPool.NewPinned(ScratchBytes);
    private int _count;
    private int _scratchUsed;
    private Endpoint? _target;
    private byte[]? _runBuffer;
    private int _runStart;
    private int _runEnd;

    public bool IsEmpty => _target is null;

    /// <summary>It has bytes for that endpoint.</summary>
    public bool IsFor(Endpoint target) => ReferenceEquals(_target, target);

    /// <summary>Adds bytes of a buffer that outlives the flush. Adjacent ones become one run.</summary>
    public void Add(byte[] buffer, int start, int end, Endpoint target)
    {
        if (start == end) return;
        Check.That(_target is null || ReferenceEquals(_target, target));
        _target = target;
        if (_runEnd == start && ReferenceEquals(_runBuffer, buffer))
        {
            _runEnd = end;
            return;
        }
        if (_runEnd == _scratchUsed && ReferenceEquals(_runBuffer, _scratch)
            && end - start <= Math.Min(CopyBytes, ScratchBytes - _scratchUsed))
        {
            buffer.AsSpan(start, end - start).CopyTo(_scratch.AsSpan(_scratchUsed));
            _runEnd = _scratchUsed += end - start; // Behind bytes of ours: one run, one plain send.
            return;
        }
        if (_runStart != _runEnd) CloseRun();
        _runBuffer = buffer;
        _runStart = start;
        _runEnd = end;
    }

    /// <summary>As <see cref="Add"/>, any number of times; sends what is gathered first if there is no room.</summary>
    /// <returns>False when the connection is broken.</returns>
    public bool AddRun(byte[] buffer, int start, int end, Engine engine, Endpoint target)
    {
        if (!HasRoom(0) && !Flush(engine)) return false;
        Add(buffer, start, end, target);
        return true;
    }

    /// <summary>Adds bytes of ours; sends what is gathered first if there is no room.</summary>
    /// <returns>False when the connection is broken.</returns>
    public bool AddCopy(ReadOnlySpan<byte> bytes, Engine engine, Endpoint target)
    {
        if (!HasRoom(bytes.Length) && !Flush(engine)) return false;
        if (bytes.Length > ScratchBytes) return engine.Send(target, bytes);
        bytes.CopyTo(_scratch.AsSpan(_scratchUsed));
        var start = _scratchUsed;
        _scratchUsed += bytes.Length;
        Add(_scratch, start, _scratchUsed, target);
        return true;
    }

    private bool HasRoom(int scratchBytes) => _count + 3 < _segments.Length && ScratchBytes - _scratchUsed >= scratchBytes;

    /// <summary>Sends everything to its target, and a run behind it. A run that is all there is, is not gathered first.</summary>
    /// <returns>False when the connection is broken.</returns>
    public bool FlushWith(byte[] buffer, int start, int end, Engine engine, Endpoint target)
    {
        if (_target is null) return start == end || engine.Send(target, buffer.AsSpan(start, end - start));
        Add(buffer, start, end, target);
        return Flush(engine);
    }

    /// <summary>Sends everything to its target. It is empty after that, whatever comes of it.</summary>
    /// <returns>False when the connection is broken.</returns>
    public bool Flush(Engine engine)
    {
        if (_target is not { } target) return true;
        bool isSound;
        if (_count == 0)
        {
            isSound = engine.Send(target, _runBuffer.AsSpan(_runStart, _runEnd - _runStart));
        }
        else
        {
            if (_runStart != _runEnd) CloseRun();
            isSound = engine.Send(target, _segments.AsSpan(0, _count));
        }
        Clear();
        return isSound;
    }

    public void Clear()
    {
        if (_target is null) return;
        _target = null;
        if (_count > 0)
        {
            _segments.AsSpan(0, _count).Clear(); // Their buffers may be huge, and garbage from now on.
            _count = 0;
        }
        _scratchUsed = 0;
        _runBuffer = null;
        _runStart = _runEnd = 0;
    }

    private void CloseRun()
    {
        Check.That(_count < _segments.Length);
        _segments[_count++] = new Segment(_runBuffer!, _runStart, _runEnd - _runStart);
        _runStart = _runEnd = 0;
        _runBuffer = null;
    }
}
