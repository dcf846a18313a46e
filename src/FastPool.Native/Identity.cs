namespace FastPool.Native;

/// <summary>Who this process runs as.</summary>
public static class Identity
{
    public static int UserId => (int)Libc.getuid();
    public static int EffectiveUserId => (int)Libc.geteuid();
}
