using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// The names of custom variables (<c>app.tenant</c>) that clients of a pool have set: PostgreSQL lists them nowhere, so each is
/// asked for by its name. Immutable: a pool has one after the other, and each has more.
/// </summary>
public sealed class CustomNames
{
    /// <summary>So many names of one pool are asked for.</summary>
    internal const int Max = 100;

    private const int LengthMax = 63;
    private const int ParametersMax = 64;

    private readonly HashSet<string> _names;

    private CustomNames(HashSet<string> names) => _names = names;

    internal static CustomNames None { get; } = new([]);

    /// <summary>In their order.</summary>
    internal IEnumerable<string> Sorted => _names.Order(StringComparer.Ordinal);

    /// <summary>With those that a text gives to SET, or to set_config.</summary>
    /// <param name="isWhole">False: it sets something whose name the text does not tell, or there are too many.</param>
    /// <param name="parameters">Those of its parameters that are names, a bit each from 1 on.</param>
    internal CustomNames With(ReadOnlySpan<byte> text, out bool isWhole, out ulong parameters)
    {
        isWhole = true;
        parameters = 0;
        HashSet<string>? more = null;
        var reader = new SetNames(text);
        while (reader.Next(out var name))
        {
            if (name is null && reader.Parameter is > 0 and < ParametersMax) parameters |= 1UL << reader.Parameter;
            else if (name is null) isWhole = false;
            else if (name.Contains('.') && !(more ?? _names).Contains(name)) isWhole &= TryAdd(name, ref more);
        }
        return more is null || more.Count == _names.Count ? this : new CustomNames(more);
    }

    /// <param name="value">Of a parameter that is a name.</param>
    /// <param name="isWhole">False: it cannot be asked for.</param>
    internal CustomNames WithName(ReadOnlySpan<byte> value, out bool isWhole)
    {
        HashSet<string>? more = null;
        var name = Encoding.Latin1.GetString(value).ToLowerInvariant();
        isWhole = !name.Contains('.') || _names.Contains(name) || TryAdd(name, ref more); // All others PostgreSQL lists.
        return more is null || more.Count == _names.Count ? this : new CustomNames(more);
    }

    private bool TryAdd(string name, ref HashSet<string>? more)
    {
        more ??= [.. _names];
        var isSound = name.Length <= LengthMax && !name.AsSpan().ContainsAnyExceptInRange(' ', '~');
        return isSound && more.Count < Max && more.Add(name);
    }
}
