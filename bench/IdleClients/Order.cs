using System.Globalization;

namespace IdleClients;

/// <summary>The words of the command line; their meanings stand at the head of Program.cs.</summary>
internal sealed class Order
{
    private readonly string _user;
    private readonly string _database;
    private readonly Dictionary<string, string> _options = [];

    private Order(string[] words)
    {
        Port = Number(words[0]);
        Count = Number(words[1]);
        _user = words[2];
        _database = words[3];
    }

    internal int Port { get; }
    internal int Count { get; }
    internal bool IsEncrypted { get; private set; }
    internal int First => Option("first", 0);
    internal int Hold => Option("hold", Count);
    internal int AtOnce => Option("at-once", 1);
    internal int Statements => Option("statements", 0);
    internal string Text => _options.GetValueOrDefault("text", "select #");
    internal string? Query => _options.GetValueOrDefault("query");
    internal string? Asked => _options.GetValueOrDefault("asked");

    /// <returns>Null: these words are no order.</returns>
    internal static Order? Of(string[] words)
    {
        string[] known = ["databases", "users", "first", "hold", "at-once", "query", "asked", "statements", "text"];
        if (words.Length < 4) return null;
        var order = new Order(words);
        foreach (var word in words.AsSpan(4))
        {
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (word == "tls") order.IsEncrypted = true;
            else if (equals > 0 && known.Contains(word[..equals])) order._options[word[..equals]] = word[(equals + 1)..];
            else return null;
        }
        return order;
    }

    internal string UserOf(int number) => Option("users", 0) is > 0 and var users
        ? $"{_user}_{number / Math.Max(1, Option("databases", 0)) % users + 1}" : _user;

    internal string DatabaseOf(int number) => Option("databases", 0) is > 0 and var databases
        ? $"{_database}_{number % databases + 1}" : _database;

    private int Option(string name, int otherwise) => _options.TryGetValue(name, out var value) ? Number(value) : otherwise;

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
