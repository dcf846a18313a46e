using System.Text;
using CommunityToolkit.HighPerformance.Buffers;

namespace FastPool.Core.Sessions;

/// <summary>
/// The session variables kept in step between clients and servers, in the order and spelling that go over the wire. Fixed at
/// start: those that PostgreSQL reports and a client may change, of whatever version, then track_extra_parameters.
/// </summary>
public sealed class TrackedParameters
{
    /// <summary>Stands before the name, from one process to another, where the value is that of a client's login.</summary>
    internal const string LoginMark = "=";

    public const int ClientEncoding = 1;
    public const int StandardConformingStrings = 3;
    public const int ApplicationName = 4;
    public const int SearchPath = 6;
    public const int SessionAuthorization = 7;

    private static readonly string[] Always =
        ["DateStyle", "client_encoding", "TimeZone", "standard_conforming_strings", "application_name", "IntervalStyle",
        "search_path", "session_authorization", "default_transaction_read_only", "scram_iterations"];

    /// <summary>PgBouncer tracks these since 1.26: before, they could be ignored at a login, and many files do.</summary>
    private const int FirstIgnorable = SearchPath;

    private readonly string[] _names;
    private readonly HashSet<string> _extra;

    public TrackedParameters(IEnumerable<string> extra)
    {
        var names = new List<string>(Always);
        _extra = new HashSet<string>(extra, StringComparer.OrdinalIgnoreCase);
        foreach (var name in _extra)
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

    /// <summary>Whether ignore_startup_parameters goes before the tracking.</summary>
    internal bool IsIgnorable(int index) => index >= FirstIgnorable && !_extra.Contains(_names[index]);

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
