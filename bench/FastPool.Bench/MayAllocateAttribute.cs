namespace FastPool.Bench;

/// <summary>A benchmark off the way of a transaction. All others allocate nothing, and a smoke run checks that.</summary>
/// <param name="reason">Why it allocates.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MayAllocateAttribute(string reason) : Attribute
{
    /// <summary>Why it allocates.</summary>
    public string Reason { get; } = reason;
}
