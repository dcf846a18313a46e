namespace FastPool.Control.Answers;

/// <summary>Facts about FastPool itself.</summary>
/// <param name="Version">Its own, not that of the pooler it stands in for.</param>
/// <param name="Engine">The way loops wait for input.</param>
public sealed record ProductView(string Version, string Engine);
