using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// The names of client encodings: PostgreSQL takes many spellings of one, and reports its own. Source: PostgreSQL, Character Set
/// Support.
/// </summary>
internal static class EncodingNames
{
    private static readonly string[] Canonical =
    [
        "BIG5", "EUC_CN", "EUC_JP", "EUC_JIS_2004", "EUC_KR", "EUC_TW", "GB18030", "GBK", "ISO_8859_5", "ISO_8859_6",
        "ISO_8859_7", "ISO_8859_8", "JOHAB", "KOI8R", "KOI8U",
        "LATIN1", "LATIN2", "LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7", "LATIN8",
        "LATIN9", "LATIN10", "MULE_INTERNAL", "SJIS", "SHIFT_JIS_2004", "SQL_ASCII", "UHC", "UTF8", "WIN866", "WIN874", "WIN1250",
        "WIN1251", "WIN1252", "WIN1253", "WIN1254", "WIN1255", "WIN1256", "WIN1257", "WIN1258",
    ];

    private static readonly (string Alias, string Name)[] Aliases =
    [
        ("abc", "WIN1258"), ("alt", "WIN866"), ("iso88591", "LATIN1"), ("iso88592", "LATIN2"), ("iso88593", "LATIN3"),
        ("iso88594", "LATIN4"), ("iso88599", "LATIN5"), ("iso885910", "LATIN6"), ("iso885913", "LATIN7"), ("iso885914", "LATIN8"),
        ("iso885915", "LATIN9"), ("iso885916", "LATIN10"), ("koi8", "KOI8R"), ("mskanji", "SJIS"), ("shiftjis", "SJIS"),
        ("tcvn", "WIN1258"), ("tcvn5712", "WIN1258"), ("unicode", "UTF8"), ("vscii", "WIN1258"), ("win", "WIN1251"),
        ("win932", "SJIS"), ("win936", "GBK"), ("win949", "UHC"), ("win950", "BIG5"), ("windows932", "SJIS"),
        ("windows936", "GBK"), ("windows949", "UHC"), ("windows950", "BIG5"), ("windows866", "WIN866"), ("windows874", "WIN874"),
        ("windows1250", "WIN1250"), ("windows1251", "WIN1251"), ("windows1252", "WIN1252"), ("windows1253", "WIN1253"),
        ("windows1254", "WIN1254"), ("windows1255", "WIN1255"), ("windows1256", "WIN1256"), ("windows1257", "WIN1257"),
        ("windows1258", "WIN1258"),
    ];

    private static readonly Dictionary<string, string> Names = Canonical
        .Select(static name => (Alias: Clean(name), Name: name)).Concat(Aliases)
        .ToDictionary(static pair => pair.Alias, static pair => pair.Name, StringComparer.Ordinal);

    /// <summary>PostgreSQL's spelling; of a name that it does not know, the name itself.</summary>
    internal static string CanonicalOf(string name) => Names.GetValueOrDefault(Clean(name), name);

    /// <summary>PostgreSQL looks at letters and digits alone.</summary>
    private static string Clean(string name)
    {
        var clean = new StringBuilder(name.Length);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterOrDigit(c)) clean.Append(char.ToLowerInvariant(c));
        }
        return clean.ToString();
    }
}
