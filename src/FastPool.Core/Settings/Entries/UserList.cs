namespace FastPool.Core.Settings;

/// <summary>
/// The users of auth_file. A broken record ends the reading, never the loading: those before it are known, those after are
/// not. The list keeps the file itself and an index of its records. With an object for each user, every collection of memory,
/// and so every reload of a large file, would stop all threads for long.
/// </summary>
public sealed class UserList
{
    private const int RecordsAtFirst = 64;

    private readonly byte[] _file;
    private SecretKinds? _kinds;
    // Where a record begins, plus 1, by the hash of its name; 0: free. At most half of them are taken.
    private int[] _places = new int[RecordsAtFirst * 2];

    private UserList(byte[] file) => _file = file;

    public static UserList Empty { get; } = new([]);

    public int Count { get; private set; }

    /// <summary>The names, for SHOW USERS.</summary>
    public IEnumerable<string> Names => Records.Select(at => TextOf(FieldAt(at)));

    /// <summary>The kind that most of the secrets have; worked out when it is first asked for.</summary>
    public SecretKinds Kinds => _kinds ??= SecretKinds.Of(Sample.Select(SecretAt));

    /// <summary>Each is made when it is asked for.</summary>
    public IEnumerable<Secret> Secrets => Records.Select(SecretAt);

    /// <summary>Some of the records, from all over the file.</summary>
    private IEnumerable<int> Sample
    {
        get
        {
            var step = Math.Max(1, Count / SecretKinds.SampleMax);
            return Records.Where((_, i) => i % step == 0);
        }
    }

    /// <summary>Where they begin, as they follow each other in the file.</summary>
    private IEnumerable<int> Records => _places.Where(static place => place > 0).Order().Select(static place => place - 1);

    /// <summary>Reads records "user" "secret"; what follows on the line is ignored.</summary>
    /// <param name="file">Its content, which is this list's from now on.</param>
    /// <param name="log">Gets the reason when reading ended early.</param>
    public static UserList Load(byte[] file, List<LogText> log)
    {
        var list = new UserList(file);
        var at = 0;
        while (list.SkipToRecord(ref at))
        {
            var error = list.ReadRecord(ref at);
            if (error is null) continue;
            log.Add(LogText.Error(error));
            break;
        }

        return list;
    }

    /// <returns>False when the name is not in the file.</returns>
    public bool TryGet(string name, out Secret secret)
    {
        var place = _places[SlotOf(name)];
        secret = place > 0 ? SecretAt(place - 1) : Secret.Empty;
        return place > 0;
    }

    // ---- reading --------------------------------------------------------------------------------------------------

    /// <summary>Past white space and lines that begin with a semicolon.</summary>
    private bool SkipToRecord(ref int at)
    {
        while (at < _file.Length && (ByteText.IsSpace((char)_file[at]) || _file[at] == ';'))
        {
            if (_file[at] == ';') SkipLine(ref at);
            else at++;
        }

        return at < _file.Length;
    }

    private string? ReadRecord(ref int at)
    {
        const string Broken = "broken auth file";
        var user = FieldAt(at);
        if (!user.IsClosed) return Broken;
        if (user.Raw.Length > UserEntry.NameBytesMax) return "username too long in auth file";
        var secret = FieldAfter(user);
        if (!secret.IsClosed) return Broken;
        if (secret.Raw.Length > Secret.BytesMax) return "password too long in auth file";
        Add(TextOf(user), at);
        at = secret.End;
        SkipLine(ref at);
        return null;
    }

    private void SkipLine(ref int at)
    {
        var end = _file.AsSpan(at).IndexOf((byte)'\n');
        at = end < 0 ? _file.Length : at + end + 1;
    }

    private void Add(string name, int at)
    {
        var slot = SlotOf(name);
        if (_places[slot] == 0) Count++;
        _places[slot] = at + 1; // Of two records of one name the later counts.
        if (Count * 2 <= _places.Length) return;
        var before = _places;
        _places = new int[before.Length * 2];
        foreach (var place in before)
        {
            if (place > 0) _places[SlotOf(TextOf(FieldAt(place - 1)))] = place;
        }
    }

    // ---- index ----------------------------------------------------------------------------------------------------

    /// <summary>Where the name's place stands, or would stand.</summary>
    private int SlotOf(ReadOnlySpan<char> name)
    {
        var mask = _places.Length - 1;
        var slot = string.GetHashCode(name) & mask;
        while (_places[slot] is var place and > 0 && !FieldAt(place - 1).Is(name)) slot = (slot + 1) & mask;
        return slot;
    }

    private Secret SecretAt(int at) => Secret.Of(TextOf(FieldAfter(FieldAt(at))));

    // ---- fields ---------------------------------------------------------------------------------------------------

    /// <summary>Text between quotes, in which a doubled quote stands for one.</summary>
    private readonly ref struct Field(ReadOnlySpan<byte> raw, int end, bool isEscaped)
    {
        internal readonly ReadOnlySpan<byte> Raw = raw;
        internal readonly int End = end;
        internal readonly bool IsEscaped = isEscaped;

        internal bool IsClosed => End > 0;

        internal bool Is(ReadOnlySpan<char> text)
        {
            var at = 0;
            for (var i = 0; i < Raw.Length; i++, at++)
            {
                if (at == text.Length || Raw[i] != text[at]) return false;
                if (Raw[i] == '"') i++;
            }

            return at == text.Length;
        }
    }

    /// <summary>The field that begins here; not closed where none does.</summary>
    private Field FieldAt(int at)
    {
        if (at >= _file.Length || _file[at] != '"') return default;
        var isEscaped = false;
        var end = at + 1;
        while (true)
        {
            var next = _file.AsSpan(end).IndexOf((byte)'"');
            if (next < 0) return default;
            end += next + 1;
            if (end == _file.Length || _file[end] != '"') break;
            end++;
            isEscaped = true;
        }

        return new Field(_file.AsSpan(at + 1, end - at - 2), end, isEscaped);
    }

    /// <summary>Anything may stand between the two.</summary>
    private Field FieldAfter(Field user)
    {
        var open = _file.AsSpan(user.End).IndexOf((byte)'"');
        return open < 0 ? default : FieldAt(user.End + open);
    }

    private static string TextOf(Field field)
    {
        var text = ByteText.Of(field.Raw);
        return field.IsEscaped ? text.Replace("\"\"", "\"", StringComparison.Ordinal) : text;
    }
}
