namespace FastPool.Arguments;

/// <summary>
/// getopt_long of the GNU C library: bundled letters, arguments in the same word or the next, long names cut short while they
/// are unique, options behind operands, -- as the end. Its messages too, because scripts compare them.
/// </summary>
public sealed class OptionScanner(IReadOnlyList<string> arguments, IReadOnlyList<Option> options, bool isPosix)
{
    private const char Mistake = '?';

    private readonly List<string> _operands = [];
    private int _next = 1;
    private string _bundle = ""; // Letters of the current word that are still to be read.

    /// <summary>The arguments that are no options, in order. Complete when <see cref="Read"/> has returned false.</summary>
    public IReadOnlyList<string> Operands => _operands;

    /// <summary>The fault, with the program's name before it, when <see cref="Read"/> gave a question mark.</summary>
    public string Error { get; private set; } = "";

    /// <summary>The next option.</summary>
    /// <param name="option">Its letter; a question mark when it is wrong.</param>
    /// <param name="value">Its argument; null when it takes none.</param>
    /// <returns>False when there are no more.</returns>
    public bool Read(out char option, out string? value)
    {
        (option, value) = (default, null);
        var longName = "";
        if (_bundle.Length == 0 && !FindWord(out longName)) return false;
        option = _bundle.Length > 0 ? ReadLetter(out value) : ReadLong(longName, out value);
        return true;
    }

    /// <summary>
    /// Goes on to the next word that is an option: a bundle of letters, or a long name. A single dash is an operand.
    /// </summary>
    private bool FindWord(out string longName)
    {
        longName = "";
        while (_next < arguments.Count)
        {
            var word = arguments[_next++];
            if (word == "--") break;
            if (word.Length > 1 && word[0] == '-')
            {
                if (word[1] == '-') longName = word[2..];
                else _bundle = word[1..];
                return true;
            }

            _operands.Add(word);
            if (isPosix) break;
        }

        while (_next < arguments.Count) _operands.Add(arguments[_next++]);
        return false;
    }

    private char ReadLetter(out string? value)
    {
        value = null;
        var letter = _bundle[0];
        _bundle = _bundle[1..];
        if (!TryFind(letter, out var option)) return Wrong($"invalid option -- '{letter}'");
        if (!option.TakesArgument) return letter;
        if (_bundle.Length > 0)
        {
            (value, _bundle) = (_bundle, "");
            return letter;
        }

        return TryTakeWord(out value) ? letter : Wrong($"option requires an argument -- '{letter}'");
    }

    private bool TryFind(char letter, out Option option)
    {
        foreach (var candidate in options)
        {
            option = candidate;
            if (candidate.Letter == letter) return true;
        }

        option = default;
        return false;
    }

    private char ReadLong(string text, out string? value)
    {
        var equals = text.IndexOf('=');
        var name = equals < 0 ? text : text[..equals];
        value = equals < 0 ? null : text[(equals + 1)..];
        var candidates = Matching(name);
        if (candidates.Count == 0) return Wrong($"unrecognized option '--{text}'");
        if (candidates.Count > 1)
        {
            var possibilities = string.Join(' ', candidates.Select(candidate => $"'--{candidate.Name}'"));
            return Wrong($"option '--{text}' is ambiguous; possibilities: {possibilities}");
        }

        var option = candidates[0];
        if (!option.TakesArgument)
            return value is null ? option.Letter : Wrong($"option '--{option.Name}' doesn't allow an argument");
        if (value is not null || TryTakeWord(out value)) return option.Letter;
        return Wrong($"option '--{option.Name}' requires an argument");
    }

    /// <summary>The option of that name, else all that begin with it.</summary>
    private List<Option> Matching(string name)
    {
        var candidates = new List<Option>();
        foreach (var option in options)
        {
            if (option.Name == name) return [option];
            if (option.Name.StartsWith(name, StringComparison.Ordinal)) candidates.Add(option);
        }

        return candidates;
    }

    private bool TryTakeWord(out string? word)
    {
        word = _next < arguments.Count ? arguments[_next++] : null;
        return word is not null;
    }

    private char Wrong(string text)
    {
        Error = $"{arguments[0]}: {text}";
        return Mistake;
    }
}
