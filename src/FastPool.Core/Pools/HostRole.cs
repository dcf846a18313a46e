using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>The part that a server plays in its cluster.</summary>
public enum HostRole : byte
{
    /// <summary>It has not told, or cannot: it is older than PostgreSQL 14, and was not asked.</summary>
    Unknown,
    Primary,
    Standby,
}

/// <summary>The use of a role for a database's target_session_attrs.</summary>
public static class HostRoles
{
    /// <summary>A server in that role may do. A session of a primary may still be read-only.</summary>
    public static bool MayServe(this TargetSessionAttrs target, HostRole role) => target switch
    {
        TargetSessionAttrs.ReadWrite or TargetSessionAttrs.Primary => role != HostRole.Standby,
        TargetSessionAttrs.Standby => role != HostRole.Primary,
        _ => true,
    };

    /// <summary>A server in that role is tried before those in the other.</summary>
    public static bool Prefers(this TargetSessionAttrs target, HostRole role) =>
        target is TargetSessionAttrs.ReadOnly or TargetSessionAttrs.PreferStandby ? role != HostRole.Primary
            : target.MayServe(role);

    /// <summary>Sessions must be able to write.</summary>
    public static bool Writes(this TargetSessionAttrs target) =>
        target is TargetSessionAttrs.ReadWrite or TargetSessionAttrs.Primary;

    public static string Word(this HostRole role) => role switch
    {
        HostRole.Primary => "primary",
        HostRole.Standby => "standby",
        _ => "",
    };
}
