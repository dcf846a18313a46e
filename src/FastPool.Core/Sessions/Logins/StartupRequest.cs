using System.Text;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>A client's StartupMessage, taken in packet order; the first fault ends it.</summary>
public sealed class StartupRequest
{
    private readonly SessionContext _context;
    private readonly ClientSession _client;
    private readonly bool _ignoresTracked; // ignore_startup_parameters goes before tracking, as it does since PgBouncer 1.26.1.
    private bool _hasApplicationName;
    private bool? _keepsSettings;

    private StartupRequest(SessionContext context, ClientSession client)
    {
        _ignoresTracked = context.Registry.Settings.Own.ShowAs >= ShownVersion.V126;
        _context = context;
        _client = client;
        Parameters = context.Tracked.Unknown;
    }

    public string User { get; private set; } = "";
    public string DatabaseName { get; private set; } = "";
    public ReplicationKind Replication { get; private set; }
    /// <summary>Verbatim, for replication connections.</summary>
    public string? Options { get; private set; }
    public ParameterValues Parameters { get; private set; }
    /// <summary>Settings that are not tracked, where <c>session_state</c> keeps them; null: none.</summary>
    public LoginSettings? Settings { get; private set; }
    /// <summary>Names of the <c>_pq_.</c> options, each of which we do not know.</summary>
    public List<string> UnknownOptions { get; } = [];
    public bool HasApplicationName => _hasApplicationName;
    public Ending Fault { get; private set; }

    public static StartupRequest Read(ReadOnlySpan<byte> parameters, SessionContext context, ClientSession client)
    {
        var request = new StartupRequest(context, client);
        request.ReadAhead(parameters);
        request.ReadAll(parameters);
        return request;
    }

    public void SetApplicationName(string name) =>
        Parameters = _context.Interner.With(Parameters, TrackedParameters.ApplicationName, name);

    /// <summary>The parameters that decide how the others are taken, wherever in the packet they are.</summary>
    private void ReadAhead(ReadOnlySpan<byte> parameters)
    {
        var reader = new StartupParameters(parameters);
        while (reader.MoveNext())
        {
            if (reader.Key.SequenceEqual("replication"u8)) Replication = ReplicationFrom(reader.Value);
            else if (reader.Key.SequenceEqual("user"u8)) User = _context.Interner.Intern(reader.Value);
            else if (reader.Key.SequenceEqual("database"u8)) DatabaseName = _context.Interner.Intern(reader.Value);
        }
    }

    /// <summary>A setting that is not tracked becomes a part of the session's state.</summary>
    /// <returns>False: it is not supported.</returns>
    private bool TryKeep(string name, string value)
    {
        if (!KeepsSettings || LoginSettings.TryAdd(Settings, name, value) is not { } settings) return false;
        Settings = settings;
        return true;
    }

    private bool KeepsSettings
    {
        get
        {
            if (Replication != ReplicationKind.None) return false;
            var database = DatabaseName.Length > 0 ? DatabaseName : User;
            return _keepsSettings ??= _context.Registry.SessionStateOf(database, User) != SessionStateMode.Off;
        }
    }

    /// <summary>PostgreSQL's spellings of a true boolean, with unique prefixes; anything else is no replication.</summary>
    private static ReplicationKind ReplicationFrom(ReadOnlySpan<byte> value)
    {
        if (value.SequenceEqual("database"u8)) return ReplicationKind.Logical;
        var text = Encoding.Latin1.GetString(value).ToLowerInvariant();
        if (text.Length == 0) return ReplicationKind.None;
        var isTrue = "true".StartsWith(text, StringComparison.Ordinal) || "yes".StartsWith(text, StringComparison.Ordinal)
            || text is "on" or "1";
        return isTrue ? ReplicationKind.Physical : ReplicationKind.None;
    }

    private void ReadAll(ReadOnlySpan<byte> parameters)
    {
        var takesOptionsFirst = KeepsSettings; // As in PostgreSQL, where a parameter of the same name is stronger.
        if (takesOptionsFirst) TakeOptionsAhead(parameters);
        var reader = new StartupParameters(parameters);
        while (!Fault.IsSet && reader.MoveNext())
        {
            if (!takesOptionsFirst || !reader.Key.SequenceEqual("options"u8)) TakeParameter(reader.Key, reader.Value);
        }
        if (Fault.IsSet) return;
        if (reader.IsMalformed) Fault = Ending.Told("invalid startup packet layout: expected terminator as last byte");
        else if (User.Length == 0) Fault = Ending.Told("no username supplied");
        else if (DatabaseName.Length == 0) DatabaseName = User;
    }

    private void TakeOptionsAhead(ReadOnlySpan<byte> parameters)
    {
        var reader = new StartupParameters(parameters);
        while (!Fault.IsSet && reader.MoveNext())
        {
            if (reader.Key.SequenceEqual("options"u8)) TakeOptions(reader.Value);
        }
    }

    private void TakeParameter(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.SequenceEqual("user"u8) || name.SequenceEqual("database"u8) || name.SequenceEqual("replication"u8)) return;
        else if (name.SequenceEqual("options"u8)) TakeOptions(value);
        else if (name.StartsWith("_pq_."u8)) UnknownOptions.Add(Encoding.Latin1.GetString(name));
        else if (!TryTrack(name, value, isIgnored: IsIgnored(name)) && !IsIgnored(name)) KeepOrRefuse(name, value);
    }

    private bool TryTrack(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isIgnored)
    {
        var index = _context.Tracked.IndexOf(name);
        if (index < 0 || (isIgnored && (_ignoresTracked || _context.Tracked.IsIgnorable(index)))) return false;
        if (index == TrackedParameters.ApplicationName) _hasApplicationName = true;
        var text = _context.Interner.Intern(value);
        if (index == TrackedParameters.ClientEncoding) text = EncodingNames.CanonicalOf(text);
        Parameters = _context.Interner.With(Parameters, index, text);
        return true;
    }

    private bool IsIgnored(ReadOnlySpan<byte> name) =>
        _context.Registry.Settings.IgnoreStartupParameters.Contains(Encoding.Latin1.GetString(name));

    private void KeepOrRefuse(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var (key, text) = (Encoding.Latin1.GetString(name), Encoding.Latin1.GetString(value));
        if (TryKeep(key, text)) return;
        _context.Log.UnsupportedStartupParameter(_client.LogPrefix, key, SecretMask.Broken(key, text));
        Fault = Ending.Told("unsupported startup parameter: " + key);
    }

    /// <summary><c>-c name=value</c> and <c>--name=value</c>, a backslash making the next character literal.</summary>
    private void TakeOptions(ReadOnlySpan<byte> text)
    {
        if (Replication != ReplicationKind.None)
        {
            Options = Encoding.Latin1.GetString(text);
            return;
        }
        while (true)
        {
            text = text.TrimStart((byte)' ');
            if (text.IsEmpty) return;
            if (text.StartsWith("-c"u8))
            {
                text = text[2..].TrimStart((byte)' ');
            }
            else if (text.StartsWith("--"u8))
            {
                text = text[2..];
            }
            else
            {
                Fault = BadOptions;
                return;
            }
            var token = TakeToken(ref text);
            var separator = token.IndexOf('=');
            if (separator < 0)
            {
                Fault = BadOptions;
                return;
            }
            TakeOption(token[..separator], token[(separator + 1)..]);
            if (Fault.IsSet) return;
        }
    }

    private static Ending BadOptions =>
        Ending.Told("unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed");

    private static string TakeToken(ref ReadOnlySpan<byte> text)
    {
        var token = new StringBuilder();
        while (text is [var c, .. var rest])
        {
            if (c is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\v' or (byte)'\f') break;
            if (c == '\\' && rest is [var escaped, .. var behind])
            {
                c = escaped;
                rest = behind;
            }
            token.Append((char)c);
            text = rest;
        }
        return token.ToString();
    }

    private void TakeOption(string name, string value)
    {
        if (name.Contains('-') && KeepsSettings) name = name.Replace('-', '_'); // As PostgreSQL does, and PgBouncer does not.
        var ignored = _context.Registry.Settings.IgnoreStartupParameters;
        // The word options stands for what is not tracked; before PgBouncer 1.26 more was not.
        var isNamed = ignored.Contains(name);
        var isIgnored = isNamed || ignored.Contains("options");
        if (TryTrack(Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(value), _ignoresTracked ? isNamed : isIgnored)
            || isIgnored || TryKeep(name, value)) return;
        _context.Log.UnsupportedOption(_client.LogPrefix, name, SecretMask.Broken(name, value));
        Fault = Ending.Told("unsupported startup parameter in options: " + name);
    }
}
