using BenchmarkDotNet.Attributes;
using FastPool.Protocol;

namespace FastPool.Bench;

/// <summary>Framing, reading and writing of single messages.</summary>
[MemoryDiagnoser]
public class CodecBenchmarks
{
    private readonly byte[] _bind = new byte[64];
    private readonly byte[] _destination = new byte[64];
    private int _length;

    [GlobalSetup]
    public void SetUp() => _length =
        new Bind { Portal = default, Statement = "PGBOUNCER_1"u8, Arguments = "\0\0\0\u0001\0\0\0\u00011\0\0"u8 }.Write(_bind);

    [Benchmark]
    public int Header()
    {
        MessageHeader.TryRead(_bind, int.MaxValue, out _, out var length);
        return length;
    }

    [Benchmark]
    public bool ReadBind() => Bind.TryRead(_bind.AsSpan(MessageHeader.Size, _length - MessageHeader.Size), out _);

    [Benchmark]
    public int WriteBind() =>
        new Bind { Portal = default, Statement = "PGBOUNCER_1"u8, Arguments = "\0\0\0\0\0\0"u8 }.Write(_destination);
}
