using System.Buffers.Text;
using FastPool.Core.Pools;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>An idle server asks its host how it is, in the name of all its servers.</summary>
public sealed partial class ServerSession
{
    private long _activityBeforeUs;

    /// <summary>The present check is its host's.</summary>
    public bool IsInHostCheck { get; private set; }

    public void BeginHostCheck()
    {
        IsInHostCheck = true;
        _activityBeforeUs = LastActivityUs;
    }

    /// <summary>The check is no use of the server: it goes on being as idle as it was.</summary>
    private void EndHostCheck()
    {
        if (!IsInHostCheck) return;
        IsInHostCheck = false;
        LastActivityUs = _activityBeforeUs;
    }

    /// <summary>The answer to <see cref="Host.CheckQuery"/>.</summary>
    private void OnHostRow(ReadOnlySpan<byte> body)
    {
        if (!DataRow.TryRead(body, out var row)) return;
        var columns = new DataRowColumns(row);
        if (!columns.MoveNext()) return;
        var isStandby = columns.Value.SequenceEqual("t"u8);
        if (!isStandby && !columns.Value.SequenceEqual("f"u8)) return;
        var hasChanged = NoteRole(isStandby ? HostRole.Standby : HostRole.Primary, Context.NowUs);
        if (columns.MoveNext() && Utf8Parser.TryParse(columns.Value, out long lagMs, out _) && Place is { } place)
            hasChanged |= place.NoteLag(Math.Max(0, lagMs), Context.Registry.Settings.Own.ReplicaLagMaxMs);
        if (hasChanged) Context.Registry.Stir();
    }
}
