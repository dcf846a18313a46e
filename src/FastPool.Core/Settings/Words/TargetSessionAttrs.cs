namespace FastPool.Core.Settings;

/// <summary>The kind of session that a server of the database must be. Source: libpq, target_session_attrs.</summary>
public enum TargetSessionAttrs : byte
{
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,

    /// <summary>A standby; where there is none, any.</summary>
    PreferStandby,
}

/// <summary>The words of target_session_attrs.</summary>
public static class TargetSessionAttrsWords
{
    public static WordTable<TargetSessionAttrs> Words { get; } = new(
        ("any", TargetSessionAttrs.Any),
        ("read-write", TargetSessionAttrs.ReadWrite),
        ("read-only", TargetSessionAttrs.ReadOnly),
        ("primary", TargetSessionAttrs.Primary),
        ("standby", TargetSessionAttrs.Standby),
        ("prefer-standby", TargetSessionAttrs.PreferStandby));
}
