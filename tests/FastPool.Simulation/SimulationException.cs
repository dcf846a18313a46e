namespace FastPool.Simulation;

/// <summary>A property of the pooler does not hold.</summary>
public sealed class SimulationException(string text) : Exception(text);
