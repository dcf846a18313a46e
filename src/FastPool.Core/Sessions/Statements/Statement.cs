using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// A prepared statement as all clients and servers share it. It is the exact bytes of query text and parameter types, the
/// settings with which the text is read, and the name on every server. Lives as long as a client or a server holds it.
/// </summary>
public sealed class Statement
{
    private int _holders = 1;
    private int _generation;
    private LatencyHistogram?[]? _latencies;

    internal Statement(byte[] key, TextSettings settings, long number)
    {
        Key = key;
        Settings = settings;
        Use = SessionUse.OfText(key);
        MayLeaveState = StateTraces.InText(key, isWhole: true) != StateTrace.None;
        DropsStatements = SessionUse.DropsStatements(key);
        Resets = SessionUse.ResetsIn(key, hasQuery: false, out _) is not null;
        DroppedName = DropCommands.OnlyName(key);
        Number = number;
        ServerName = Encoding.ASCII.GetBytes($"PGBOUNCER_{number}");
    }

    /// <summary>The n of PGBOUNCER_n.</summary>
    public long Number { get; }

    /// <summary>The rest of a Parse behind the name: query text, NUL, types.</summary>
    public byte[] Key { get; }

    internal TextSettings Settings { get; }

    /// <summary>PGBOUNCER_n, without its NUL.</summary>
    internal byte[] ServerName { get; }

    /// <summary>The traces that a run of it leaves in the server's session.</summary>
    internal SafetyUse Use { get; }

    /// <summary>A run of it may change the state of the session.</summary>
    internal bool MayLeaveState { get; }

    /// <summary>It is DEALLOCATE ALL or DISCARD ALL.</summary>
    internal bool DropsStatements { get; }

    /// <summary>It is RESET or DISCARD ALL.</summary>
    internal bool Resets { get; }

    /// <summary>It is DEALLOCATE of this name; null: it is not.</summary>
    internal byte[]? DroppedName { get; }

    /// <summary>The name it has on every server.</summary>
    public string Name => Encoding.ASCII.GetString(ServerName);

    /// <summary>The query's text, one char a byte.</summary>
    /// <param name="lengthMax">Longer ones are cut.</param>
    public string Text(int lengthMax)
    {
        var length = Key.AsSpan().IndexOf((byte)0);
        return Encoding.Latin1.GetString(Key, 0, Math.Min(length < 0 ? Key.Length : length, lengthMax));
    }

    /// <summary>Whether its times are taken.</summary>
    internal bool IsTimed => Volatile.Read(ref _latencies) is not null; // Pairs: OpenLatency.

    /// <summary>Where its times are counted on a loop; null: they are not.</summary>
    internal LatencyHistogram? LatencyOn(byte loop) => _latencies?[loop];

    /// <summary>Its times are counted on this loop from now on.</summary>
    /// <returns>False: they are not counted on any loop yet, and the table has to agree first
    /// (<see cref="BeginTiming"/>).</returns>
    internal bool TryOpenLatency(byte loop, HistogramBlocks blocks)
    {
        if (Volatile.Read(ref _latencies) is not { } latencies) return false;
        if (latencies[loop] is null) Volatile.Write(ref latencies[loop], new LatencyHistogram(blocks)); // Pairs: AddLatencyTo.
        return true;
    }

    /// <returns>False: another loop has been first.</returns>
    // Pairs: AddLatencyTo.
    internal bool BeginTiming(int loopCount) =>
        Interlocked.CompareExchange(ref _latencies, new LatencyHistogram?[loopCount], null) is null;

    /// <summary>Adds the times of all loops to a reader's sum. Any thread.</summary>
    public void AddLatencyTo(HistogramSum sum)
    {
        if (Volatile.Read(ref _latencies) is not { } latencies) return; // Pairs: OpenLatency.
        for (var loop = 0; loop < latencies.Length; loop++) Volatile.Read(ref latencies[loop])?.AddTo(sum); // Pairs: OpenLatency.
    }

    /// <summary>
    /// Raised when a server has said that its plan no longer fits: what was prepared under an earlier one is stale on every
    /// server.
    /// </summary>
    internal int Generation => Volatile.Read(ref _generation); // Pairs: EndGeneration.

    // Pairs: Generation.
    internal void EndGeneration(int generation) => Interlocked.CompareExchange(ref _generation, generation + 1, generation);

    /// <returns>False when the last holder has just let go: then it is forgotten, and a new one must be made.</returns>
    internal bool TryHold()
    {
        int holders;
        do
        {
            holders = Volatile.Read(ref _holders);
            if (holders == 0) return false;
        }
        while (Interlocked.CompareExchange(ref _holders, holders + 1, holders) != holders); // Pairs: LetGo.
        return true;
    }

    /// <returns>True for the last holder.</returns>
    internal bool LetGo() => Interlocked.Decrement(ref _holders) == 0; // Pairs: TryHold.

    internal void WriteParse(MessageBuffer output) => WriteParse(ServerName, Key, output);

    /// <param name="name">Without its NUL; empty: the unnamed statement.</param>
    /// <param name="key">As <see cref="Key"/>.</param>
    internal static void WriteParse(ReadOnlySpan<byte> name, ReadOnlySpan<byte> key, MessageBuffer output)
    {
        var size = MessageHeader.Size + name.Length + 1 + key.Length;
        var span = output.GetSpan(size);
        span[0] = FrontendMessage.Parse;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(span[1..], size - 1);
        name.CopyTo(span[MessageHeader.Size..]);
        span[MessageHeader.Size + name.Length] = 0;
        key.CopyTo(span[(MessageHeader.Size + name.Length + 1)..]);
        output.Advance(size);
    }

    internal void WriteClose(MessageBuffer output) => output.Write(new Close { Kind = (byte)'S', Name = ServerName });
}
