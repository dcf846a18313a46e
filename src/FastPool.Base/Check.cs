using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace FastPool.Base;

/// <summary>Our own mistakes, found out: checks stay on in release. Never for what a peer sends, which is a verdict.</summary>
public static class Check
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void That([DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string text = "")
    {
        if (!condition) Fail(text);
    }

    [DoesNotReturn, StackTraceHidden]
    public static void Fail(string text) => throw new CheckFailedException(text);
}

/// <summary>An invariant of ours is broken. The loop that meets it closes the connection concerned and goes on.</summary>
public sealed class CheckFailedException(string text) : Exception(text);
