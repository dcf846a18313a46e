using System.Globalization;
using System.Text;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// The parameters that a pool's first server reported: the untracked ones as the messages they came in, the tracked
/// ones as defaults for clients that named no value.
/// </summary>
public sealed class WelcomeParameters(byte[] untracked, ParameterValues tracked) : Welcome
{
    private Block? _last;

    /// <summary>In front of the names of the pooler's own parameters.</summary>
    private const string OwnPrefix = "pgbouncer.";

    private sealed record Block(
        ParameterValues Client, Settings.Settings Settings, PoolLimits? Limits, byte[] Bytes, byte[] Notice);

    /// <summary>As messages.</summary>
    public byte[] Untracked { get; } = untracked;

    public ParameterValues Tracked { get; } = tracked;

    /// <summary>A server that is a pooler itself tells such ones; the client talks to this one.</summary>
    public static bool IsOwn(ReadOnlySpan<byte> name) => name.StartsWith("pgbouncer."u8);

    /// <summary>AuthenticationOk, the parameters, key data, login_notify_message, ReadyForQuery: one block.</summary>
    /// <param name="names">Of the tracked parameters.</param>
    /// <param name="client">The values of the client.</param>
    /// <param name="cancelKey">The client's.</param>
    /// <param name="settings">In force.</param>
    /// <param name="limits">Of the client's pool; null: it is the console's.</param>
    /// <param name="output">Gets it.</param>
    public void Write(TrackedParameters names, ParameterValues client, ulong cancelKey, Settings.Settings settings,
        PoolLimits? limits, MessageBuffer output)
    {
        // Pairs: the write below. Most clients of a pool are alike, so the last block mostly fits.
        var last = Volatile.Read(ref _last);
        if (last is null || !ReferenceEquals(last.Client, client) || !ReferenceEquals(last.Settings, settings)
            || !ReferenceEquals(last.Limits, limits))
        {
            var bytes = Build(names, client, settings, limits);
            last = new Block(client, settings, limits, bytes, Notice(settings.LoginNotifyMessage));
            Volatile.Write(ref _last, last); // Pairs: the read above.
        }
        output.Write(last.Bytes);
        Span<byte> secret = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(secret, (uint)cancelKey);
        output.Write(new BackendKeyData { ProcessId = (int)(cancelKey >> 32), SecretKey = secret });
        output.Write(last.Notice);
        output.Write(PreparedMessages.ReadyForQueryIdle);
    }

    private static byte[] Notice(string text)
    {
        if (text.Length == 0) return [];
        var notice = new MessageBuffer();
        notice.WriteNotice(Encoding.Latin1.GetBytes(text));
        return notice.WrittenSpan.ToArray();
    }

    private byte[] Build(TrackedParameters names, ParameterValues client, Settings.Settings settings, PoolLimits? limits)
    {
        var version = settings.Own.ShowAs;
        var hasOwn = version >= ShownVersion.V126;
        var block = new MessageBuffer();
        block.Write(PreparedMessages.AuthenticationOk);
        if (hasOwn) block.Write(Status(OwnPrefix + "version", version.Number()));
        block.Write(Untracked);
        if (hasOwn && limits is not null)
        {
            block.Write(Status(OwnPrefix + "max_prepared_statements",
                settings.MaxPreparedStatements.ToString(CultureInfo.InvariantCulture)));
            block.Write(Status(OwnPrefix + "pool_mode", PoolModes.Words.WordOf(limits.PoolMode)));
        }
        for (var i = 0; i < names.Count; i++)
        {
            // A server that does not report it to the pooler would not report it to the client.
            if (client.IsTold(i) && (i < TrackedParameters.SearchPath || Tracked.IsTold(i)))
                block.Write(Status(names[i], client[i]!));
        }
        return block.WrittenSpan.ToArray();
    }

    public static byte[] Status(string name, string value)
    {
        var status = new ParameterStatus { Name = Encoding.Latin1.GetBytes(name), Value = Encoding.Latin1.GetBytes(value) };
        var bytes = new byte[status.Size];
        status.Write(bytes);
        return bytes;
    }
}
