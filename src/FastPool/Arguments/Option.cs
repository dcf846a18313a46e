namespace FastPool.Arguments;

/// <summary>One option of the command line.</summary>
/// <param name="Letter">With one dash.</param>
/// <param name="Name">With two.</param>
/// <param name="TakesArgument">In the same word or the next.</param>
public readonly record struct Option(char Letter, string Name, bool TakesArgument);
