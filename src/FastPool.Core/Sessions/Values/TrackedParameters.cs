using System.Text;
using CommunityToolkit.HighPerformance.Buffers;

namespace FastPool.Core.Sessions;

/// <summary>
/// The session variables kept in step between clients and servers, in the order and spelling that go over the wire.
/// Fixed at start: the five that PgBouncer always tracks, then track_extra_parameters.
/// </summary>
public sealed class TrackedParameters
{
    public const int ClientEncoding = 1;
    public const int StandardConformingStrings = 3;
    public const int ApplicationName = 4;

    private static readonly string[] Always =
        ["DateStyle", "client_encoding", "TimeZone", "standard_conforming_strings", "application_name"];

    private readonly string[] _names;

    public TrackedParameters(IEnumerable<string> extra)
    {
        var names = new List<string>(Always);
        foreach (var name in extra)
        {
            if (!names.Contains(name, StringComparer.OrdinalIgnoreCase)) names.Add(name);
        }
        _names = [.. names];
        InText = [.. Enumerable.Range(0, _names.Length).Where(index => TextSettings.Has(_names[index]))];
        Unknown = new ParameterValues(new string?[_names.Length]);
    }

    public int Count => _names.Length;

    public string this[int index] => _names[index];

    /// <summary>Which of them belong to <see cref="TextSettings"/>.</summary>
    internal IReadOnlyList<int> InText { get; }

    /// <summary>No value known for any of them.</summary>
    public ParameterValues Unknown { get; }

    /// <summary>The known ones by name.</summary>
    public IReadOnlyList<(string Name, string Value)> Named(ParameterValues values)
    {
        var named = new List<(string, string)>(_names.Length);
        for (var i = 0; i < _names.Length; i++)
        {
            if (values[i] is { } value) named.Add((_names[i], value));
        }
        return named;
    }

    /// <returns>-1 when not tracked.</returns>
    public int IndexOf(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < _names.Length; i++)
        {
            if (_names[i].Length == name.Length && Ascii.EqualsIgnoreCase(name, _names[i])) return i;
        }
        return -1;
    }
}
