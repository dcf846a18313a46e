namespace FastPool.Core.Pools;

/// <summary>
/// The parameters that the first server of a pool reported, for the clients of the pool. The pool keeps it and looks no further.
/// </summary>
public abstract class Welcome;
