using System.Text;

namespace FastPool.Tests.Harness;

/// <summary>A manual page in mdoc as Markdown: as much of mdoc as our pages use.</summary>
internal static class ManualPage
{
    private static readonly HashSet<string> Codes =
        ["Va", "Cm", "Fl", "Ar", "Ic", "Dv", "Ev", "Li", "Pa", "Ql", "Nm", "Xr", "Bq", "Sx"];

    private const string Punctuation = ".,;:)";

    /// <summary>The sections of that name, without their headings.</summary>
    internal static string Section(string page, string name)
    {
        var lines = page.Split('\n').SkipWhile(line => line != ".Sh " + name).Skip(1)
            .TakeWhile(static line => !line.StartsWith(".Sh ", StringComparison.Ordinal));
        var text = new StringBuilder();
        var isCompact = new Stack<bool>();
        var isLiteral = false;
        foreach (var line in lines)
        {
            if (isLiteral && line != ".Ed")
            {
                text.Append(Plain(line)).Append('\n');
                continue;
            }
            var (word, rest) = line.StartsWith('.') ? Split(line[1..]) : ("", line);
            switch (word)
            {
                case "" when line.Length > 0: Add(text, Escaped(line)); break;
                case "Ss": Begin(text, "## " + rest); break;
                case "Pp": Begin(text, ""); break;
                case "Bl":
                    isCompact.Push(rest.Contains("-compact", StringComparison.Ordinal));
                    Begin(text, "");
                    break;
                case "El":
                    isCompact.Pop();
                    Begin(text, "");
                    break;
                case "It": Begin(text, isCompact.Peek() ? $"- {Inline(rest)}:" : $"### {Inline(rest)}\n"); break;
                case "Dl": Begin(text, $"```\n{Plain(rest)}\n```\n"); break;
                case "Bd" or "Ed":
                    isLiteral = word == "Bd";
                    Begin(text, isLiteral ? "```\n" : "```\n");
                    break;
                case "Pq" or "Op" or "No" or "Dq": Add(text, Inline(line[1..])); break;
                default:
                    Assert.True(Codes.Contains(word), $"the macro {word} is not known here: {line}");
                    Add(text, Inline(line[1..]));
                    break;
            }
        }
        return System.Text.RegularExpressions.Regex.Replace(text.ToString().Trim(), "\n{3,}", "\n\n") + "\n";
    }

    private static (string Word, string More) Split(string line)
    {
        var blank = line.IndexOf(' ');
        return blank < 0 ? (line, "") : (line[..blank], line[(blank + 1)..]);
    }

    /// <summary>Text goes on in the same paragraph, a blank behind what is there.</summary>
    private static void Add(StringBuilder text, string more)
    {
        if (text.Length > 0 && text[^1] != '\n') text.Append(' ');
        text.Append(more);
    }

    private static void Begin(StringBuilder text, string block)
    {
        while (text.Length > 0 && text[^1] == ' ') text.Length--;
        if (text.Length > 0) text.Append(text[^1] == '\n' ? "\n" : "\n\n");
        text.Append(block);
        if (block.StartsWith("## ", StringComparison.Ordinal)) text.Append("\n\n");
    }

    /// <summary>A line of macros: words behind one are code, up to punctuation or the next macro.</summary>
    private static string Inline(string line)
    {
        var text = new StringBuilder();
        var code = "";
        var (isCode, isFlag, isPage, isClosing, isOptional, isQuoted) = (false, false, false, false, false, false);
        var tokens = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var (at, token) in tokens.Index())
        {
            var isLast = at == tokens.Length - 1;
            if (token == "Pq")
            {
                Flush();
                text.Append(text.Length == 0 ? "(" : " (");
                isClosing = true;
            }
            else if (token == "Dq")
            {
                Flush();
                text.Append(text.Length == 0 || text[^1] == '(' ? "\"" : " \"");
                isQuoted = true;
            }
            else if (token == "Op")
            {
                Flush();
                isOptional = true;
            }
            else if (token == "No" || Codes.Contains(token))
            {
                Flush();
                (isCode, isFlag, isPage) = (token != "No", token == "Fl", token == "Xr");
            }
            else if (token.Length == 1 && Punctuation.Contains(token))
            {
                Flush();
                if (isQuoted) text.Append('"');
                isQuoted = false;
                if (isClosing && (token != "," || isLast))
                {
                    text.Append(')');
                    isClosing = false;
                }
                text.Append(token);
            }
            else if (isCode)
            {
                code += (code.Length == 0 ? "" : " ") + (isFlag ? "-" : "") + Plain(token);
            }
            else
            {
                if (NeedsBlank()) text.Append(' ');
                text.Append(Escaped(token));
            }
        }
        Flush();
        if (isQuoted) text.Append('"');
        return isClosing ? text.Append(')').ToString() : text.ToString();

        void Flush()
        {
            if (code.Length == 0) return;
            if (isPage) code = code.Replace(" ", "(", StringComparison.Ordinal) + ")";
            if (NeedsBlank()) text.Append(' ');
            text.Append('`').Append(isOptional ? $"[{code}]" : code).Append('`');
            (code, isOptional) = ("", false);
        }

        bool NeedsBlank() => text.Length > 0 && text[^1] != '(' && !(isQuoted && text[^1] == '"');
    }

    private static string Plain(string text) =>
        text.Replace("\\&", "", StringComparison.Ordinal).Replace("\\-", "-", StringComparison.Ordinal)
            .Replace("\\e", "\\", StringComparison.Ordinal);

    private static string Escaped(string text) =>
        System.Text.RegularExpressions.Regex.Replace(Plain(text), "[*_<|\\[\\]]", static match => "\\" + match.Value);
}
