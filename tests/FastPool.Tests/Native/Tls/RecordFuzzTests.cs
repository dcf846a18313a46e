using System.Globalization;
using FastPool.Native;

namespace FastPool.Tests.Native;

/// <summary>
/// Records that were changed on the way: none is taken, none tells anything, and the peer hears the alert that RFC 8446 asks
/// for. FASTPOOL_RECORDS says how many, FASTPOOL_SEED from where.
/// </summary>
public sealed class RecordFuzzTests
{
    private static long Setting(string name, long usual) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : usual;

    [Fact]
    public void No_changed_record_gets_through()
    {
        var (first, count) = (Setting("FASTPOOL_SEED", 1), Setting("FASTPOOL_RECORDS", 60_000));
        var transfer = new TlsTransfer();
        var plain = new byte[40_000];
        var prepared = Enumerable.Range(1, 3).Select(static suite => Prepare((RecordSuite)suite)).ToArray();
        for (var seed = first; seed < first + count; seed++)
        {
            var random = new Random((int)seed);
            var (state, records, alerts) = prepared[random.Next(prepared.Length)];
            var record = Mutate(records[random.Next(records.Length)], records, random);
            var ours = TlsRecords.TryRestore(state, transfer)!;
            var outcome = TlsOutcome.Open;
            for (int at = 0, piece; at < record.Length && outcome == TlsOutcome.Open; at += piece)
            {
                piece = random.Next(3) == 0 ? random.Next(1, record.Length - at + 1) : record.Length - at;
                outcome = ours.Receive(transfer, record.AsSpan(at, piece), plain, out var got);
                if (got != 0) Assert.Fail($"seed {seed}: {got} bytes are believed");
            }
            var expected = Expected(record);
            if (outcome != (expected is null ? TlsOutcome.Open : TlsOutcome.Failed)) Assert.Fail($"seed {seed}: {outcome}");
            var answer = expected is { } alert ? alerts[alert] : [];
            if (!transfer.Output.SequenceEqual(answer)) Assert.Fail($"seed {seed}: another answer");
            if (plain.AsSpan().ContainsAnyExcept((byte)0)) Assert.Fail($"seed {seed}: something is left in the buffer");
            transfer.ClearOutput();
            ours.Free(transfer);
        }
    }

    /// <summary>A connection as it begins, its first records, and its first words for each alert.</summary>
    private static (byte[] State, byte[][] Records, Dictionary<byte, byte[]> Alerts) Prepare(RecordSuite suite)
    {
        var transfer = new TlsTransfer();
        var (ours, peer) = RecordPeer.Pair(suite);
        var state = ours.Give();
        byte[][] records = [peer.Seal(RecordPeer.Data, "select secret"u8), peer.Seal(RecordPeer.Data, "x"u8, 300),
            peer.UpdateKey(isAsking: true), peer.Seal(RecordPeer.Data, new byte[16_384]), peer.Seal(RecordPeer.Alert, [1, 0])];
        var alerts = new Dictionary<byte, byte[]>();
        foreach (var alert in (byte[])[10, 20, 22])
        {
            var (_, answering) = RecordPeer.Pair(suite, isServer: false); // As the server's side says it.
            alerts[alert] = answering.Seal(RecordPeer.Alert, [2, alert]);
        }
        ours.Free(transfer);
        return (state, records, alerts);
    }

    /// <summary>Never the first record as it was.</summary>
    private static byte[] Mutate(byte[] record, byte[][] records, Random random)
    {
        var changed = record.ToList();
        for (var i = random.Next(3); i >= 0; i--)
        {
            var place = random.Next(3) == 0 ? random.Next(5) : random.Next(changed.Count);
            if (place >= changed.Count) continue;
            switch (random.Next(7))
            {
                case 0: changed[place] ^= (byte)(1 << random.Next(8)); break;
                case 1: changed[place] = (byte)random.Next(256); break;
                case 2: changed.RemoveRange(place, random.Next(changed.Count - place + 1)); break;
                case 3: changed.InsertRange(place, new byte[random.Next(40)]); break;
                case 4: changed.AddRange(records[random.Next(records.Length)]); break;
                case 5: changed.InsertRange(place, records[random.Next(records.Length)]); break;
                default: (changed[place], changed[^1]) = (changed[^1], changed[place]); break;
            }
        }
        if (changed.Count >= records[0].Length && changed.Take(records[0].Length).SequenceEqual(records[0])) changed[5] ^= 1;
        return [.. changed];
    }

    /// <summary>The alert that the peer must hear; null: there is no whole record.</summary>
    private static byte? Expected(byte[] record)
    {
        if (record.Length < 5) return null;
        var body = (record[3] << 8) | record[4];
        if (record[0] != 23) return 10;
        if (body > 16_384 + 256) return 22;
        if (body < 16) return 20;
        return record.Length < 5 + body ? null : 20;
    }
}
