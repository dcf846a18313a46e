using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// Whether a new session is what target_session_attrs wants: from what the server reports at login, or, where it is older than
/// PostgreSQL 14, from its answer to a query. Source: libpq, target_session_attrs.
/// </summary>
internal sealed class SessionCheck
{
    /// <summary>Two results in one round trip. A walsender of physical replication knows SHOW alone.</summary>
    internal const string Query = "SHOW transaction_read_only; SELECT pg_catalog.pg_is_in_recovery()";

    /// <inheritdoc cref="Query"/>
    internal const string WalSenderQuery = "SHOW transaction_read_only";

    private bool? _isInRecovery;
    private bool? _isReadOnly;

    internal HostRole Role => _isInRecovery switch
    {
        true => HostRole.Standby,
        false => HostRole.Primary,
        null => HostRole.Unknown,
    };

    /// <summary>The server has told all that counts for any target.</summary>
    internal bool IsKnown => _isInRecovery is not null && _isReadOnly is not null;

    internal void OnReport(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.SequenceEqual("in_hot_standby"u8)) _isInRecovery = value.SequenceEqual("on"u8);
        else if (name.SequenceEqual("default_transaction_read_only"u8)) _isReadOnly = value.SequenceEqual("on"u8);
    }

    /// <summary>A row of an answer to <see cref="Query"/>: the first has <c>on</c> or <c>off</c>, the second a boolean.</summary>
    /// <returns>False: it is no such row.</returns>
    internal bool TryTakeRow(ReadOnlySpan<byte> body)
    {
        if (!DataRow.TryRead(body, out var row)) return false;
        var columns = new DataRowColumns(row);
        if (!columns.MoveNext()) return false;
        if (columns.Value.SequenceEqual("on"u8) || columns.Value.SequenceEqual("off"u8))
            _isReadOnly = columns.Value.SequenceEqual("on"u8);
        else if (columns.Value.SequenceEqual("t"u8) || columns.Value.SequenceEqual("f"u8))
            _isInRecovery = columns.Value.SequenceEqual("t"u8);
        else return false;
        return true;
    }

    /// <summary>The reason, in libpq's words, why the session will not do; null: it will.</summary>
    internal string? ProblemFor(TargetSessionAttrs target)
    {
        var isStandby = _isInRecovery == true;
        var isReadOnly = isStandby || _isReadOnly == true;
        return target switch
        {
            TargetSessionAttrs.ReadWrite when isReadOnly => "session is read-only",
            TargetSessionAttrs.ReadOnly when !isReadOnly => "session is not read-only",
            TargetSessionAttrs.Primary when isStandby => "server is in hot standby mode",
            TargetSessionAttrs.Standby or TargetSessionAttrs.PreferStandby when !isStandby =>
                "server is not in hot standby mode",
            _ => null,
        };
    }
}
