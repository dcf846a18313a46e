using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>A channel that clients of a hub listen to.</summary>
public sealed class ListenedChannel(string name)
{
    public string Name { get; } = name;

    /// <summary>Those that have come.</summary>
    public long Notifications { get; internal set; }

    /// <summary>Clients that listen to it.</summary>
    public int Clients => Subscriptions.Count;

    internal HashSet<Subscription> Subscriptions { get; } = [];

    /// <summary>The server listens to it, as far as queries have been answered.</summary>
    internal bool IsListened { get; set; }

    /// <summary>A query that is under way changes that.</summary>
    internal bool IsChanging { get; set; }
}

/// <summary>Channels, and who listens to each. Names are as PostgreSQL has them, in printable ASCII.</summary>
internal sealed class ChannelTable
{
    /// <summary>So many channels are added or given up by one query.</summary>
    private const int PerQuery = 1_000;

    private const int UnusedMax = 100;

    private readonly Dictionary<string, ListenedChannel> _channels = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unsettled = new(StringComparer.Ordinal);
    private readonly List<ListenedChannel> _changing = [];

    internal IEnumerable<ListenedChannel> All => _channels.Values.Where(static channel => channel.Clients > 0);

    internal ListenedChannel? Find(string name) => _channels.GetValueOrDefault(name);

    internal void GiveBack()
    {
        _channels.TrimExcess();
        _unsettled.TrimExcess();
        _changing.TrimExcess();
        foreach (var channel in _channels.Values) channel.Subscriptions.TrimExcess();
    }

    /// <summary>Channels that nobody listens to any more have become many.</summary>
    internal bool HasMany => _unsettled.Count >= UnusedMax;

    /// <summary>A client listens to these channels, and to no others any more.</summary>
    /// <returns>False: the table would have more than so many; then nothing has changed.</returns>
    internal bool TryAdd(Subscription from, IReadOnlyList<string> names, int max)
    {
        if (names.Count > max || (_channels.Count + names.Count > max
            && _channels.Count + names.Count(name => !_channels.ContainsKey(name)) > max)) return false;
        var before = from.Channels;
        from.Channels = names;
        foreach (var name in names)
        {
            if (!_channels.TryGetValue(name, out var channel)) _channels[name] = channel = new ListenedChannel(name);
            if (channel.Subscriptions.Add(from)) Settle(channel);
        }
        if (before.Count == 0) return true;
        var kept = names.ToHashSet(StringComparer.Ordinal);
        foreach (var name in before)
        {
            if (!kept.Contains(name)) Remove(from, name);
        }
        return true;
    }

    internal void Remove(Subscription from)
    {
        foreach (var name in from.Channels) Remove(from, name);
        from.Channels = [];
    }

    private void Remove(Subscription from, string name)
    {
        if (!_channels.TryGetValue(name, out var channel) || !channel.Subscriptions.Remove(from)) return;
        Settle(channel);
    }

    internal void SetListened(string name)
    {
        var channel = _channels[name];
        channel.IsListened = true;
        Settle(channel);
    }

    /// <summary>The channel is, or is not, as it is wanted.</summary>
    private void Settle(ListenedChannel channel)
    {
        if (channel.IsChanging) return; // Looked at when that is through.
        if (channel.IsListened != channel.Clients > 0) _unsettled.Add(channel.Name);
        else
        {
            _unsettled.Remove(channel.Name);
            if (channel.Clients == 0) _channels.Remove(channel.Name);
        }
    }

    /// <returns>Null: all is as it is wanted, but perhaps for some channels that nobody listens to.</returns>
    internal string? NextChanges()
    {
        if (_unsettled.Count == 0) return null;
        if (!HasMany && _unsettled.All(name => _channels[name].Clients == 0)) return null;
        var text = new StringBuilder();
        foreach (var name in _unsettled.Take(PerQuery).ToList())
        {
            var channel = _channels[name];
            text.Append(channel.Clients > 0 ? Marks.Listen(name) : Marks.Unlisten(name));
            channel.IsChanging = true;
            channel.IsListened = channel.Clients > 0; // When it is answered.
            _unsettled.Remove(name);
            _changing.Add(channel);
        }
        return text.ToString();
    }

    /// <summary>The server has done the last changes.</summary>
    internal void EndChanges()
    {
        foreach (var channel in _changing)
        {
            channel.IsChanging = false;
            Settle(channel);
        }
        _changing.Clear();
    }

    internal static string Quoted(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}
