using System.Buffers.Binary;
using FastPool.Base;

namespace FastPool.Core.Sessions;

/// <summary>How a request about a statement ended.</summary>
internal enum RequestEnd : byte
{
    Done,
    /// <summary>The server has answered it with an error.</summary>
    Failed,
    /// <summary>It stood behind a request that failed: the server has read past it.</summary>
    Skipped,
}

/// <summary>
/// A client's unnamed statement, as a server of its own would have it: the text of the last Parse that went well, up to a
/// simple query, a Close or a Parse that fails. It is kept so that the statement can be prepared on another server, when the
/// client binds it there. Changes of it that are not answered yet wait in line. Source: PostgreSQL, Extended Query.
/// </summary>
internal sealed class UnnamedStatement(BufferPool loopBuffers)
{
    private const int LengthBytes = sizeof(int);
    private const int NotKept = -1;
    private const int Dropped = -2;

    private BufferPool _buffers = loopBuffers; // The present loop's.
    private HeldBytes _text;
    private HeldBytes _sent; // Of each change its length, then what follows the name in the Parse.
    private int _sentCount;
    private int _lastLength;
    private long _lastSerial;
    private TextMarks _marks;
    private TextMarks _lastMarks;

    /// <summary>Tells one statement from the next; 0: there is none.</summary>
    internal long Serial { get; private set; }

    /// <summary>The rest of a Parse behind the name; empty: there is none, or it was too long to be kept.</summary>
    internal ReadOnlySpan<byte> Text => _text.Span;

    /// <summary>The statement that it will be when all that is on its way has gone well.</summary>
    internal ReadOnlySpan<byte> Expected =>
        _sentCount == 0 ? Text : _lastLength < 0 ? default : _sent.Span[^_lastLength..];

    /// <summary>Of <see cref="Expected"/>.</summary>
    internal TextMarks Marks => _sentCount == 0 ? _marks : _lastMarks;

    /// <summary>A change is not answered yet.</summary>
    internal bool IsUnderWay => _sentCount > 0;

    /// <summary>A Parse is on its way.</summary>
    /// <param name="text">All that follows the name.</param>
    internal void Send(ReadOnlySpan<byte> text, TextMarks marks)
    {
        Push(text.Length);
        _lastMarks = marks;
        _sent.Append(text, _buffers);
    }

    /// <summary>A Parse is on its way whose text is too long to be kept.</summary>
    internal void SendUnkept() => Push(NotKept);

    /// <summary>Something is on its way that drops it.</summary>
    internal void SendDrop() => Push(Dropped);

    private void Push(int length)
    {
        Span<byte> header = stackalloc byte[LengthBytes];
        BinaryPrimitives.WriteInt32LittleEndian(header, length);
        _sent.Append(header, _buffers);
        _sentCount++;
        _lastMarks = TextMarks.None;
        _lastLength = length;
        _lastSerial++;
    }

    /// <summary>The oldest change on its way is through.</summary>
    internal void End(RequestEnd end)
    {
        if (_sentCount == 0) return; // Sent by another process.
        var serial = _lastSerial - _sentCount + 1;
        _sentCount--;
        var length = BinaryPrimitives.ReadInt32LittleEndian(_sent.Span);
        if (end != RequestEnd.Skipped) Forget(); // PostgreSQL drops the old one before it looks at the new one.
        if (end != RequestEnd.Done || length < 0)
        {
            if (end == RequestEnd.Done && length == NotKept) Serial = serial;
            _sent.Consume(LengthBytes + Math.Max(0, length), _buffers);
            return;
        }
        Serial = serial;
        _marks = _sentCount == 0 ? _lastMarks : TextMarks.Unknown;
        if (_sentCount == 0)
        {
            _text = _sent.Take();
            _text.Consume(LengthBytes, _buffers);
            return;
        }
        _text.Append(_sent.Span.Slice(LengthBytes, length), _buffers);
        _sent.Consume(LengthBytes + length, _buffers);
    }

    private void Forget()
    {
        Serial = 0;
        _marks = TextMarks.None;
        _text.Clear(_buffers);
    }

    /// <summary>From another process: it has that text.</summary>
    internal void Restore(ReadOnlySpan<byte> text)
    {
        Serial = ++_lastSerial;
        _marks = TextMarks.Unknown;
        _text.Append(text, _buffers);
    }

    /// <summary>
    /// Its client has come to another loop, which gets the buffer when it is given back. That loop has not looked at the text.
    /// </summary>
    internal void MoveTo(BufferPool buffers)
    {
        _buffers = buffers;
        if (Serial > 0) _marks = TextMarks.Unknown;
    }

    internal void Clear()
    {
        Forget();
        _sent.Clear(_buffers);
        _sentCount = 0;
    }
}
