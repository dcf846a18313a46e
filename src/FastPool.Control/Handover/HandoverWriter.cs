using System.Text;
using FastPool.Base;
using FastPool.Control.Listings;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Protocol;

namespace FastPool.Control.Handover;

/// <summary>
/// Everything that stands still, as rows of one column for a process of our own kind. The common things come first, then
/// listeners, servers and clients, some hundred a row. Each row brings the descriptors that it tells of.
/// </summary>
internal sealed class HandoverWriter(PoolRegistry registry, LoopWalk walk, HandoverSecrets secrets, StatementTable statements,
    Clock clock)
{
    /// <summary>The kernel passes 253 descriptors at once.</summary>
    private const int PerRow = 200;

    /// <summary>Enough for most rows: what must grow leaves a copy behind.</summary>
    private const int RowBytes = 512 * 1024;

    private readonly MessageBuffer _packet = new(RowBytes);

    /// <summary>Kinds of rows, by their first byte.</summary>
    internal const byte Common = 0, Listeners = 1, Servers = 2, Clients = 3;

    /// <summary>
    /// The descriptors of each listener, server and client that are sent: copied on its loop, where the number is still its own.
    /// </summary>
    private readonly Dictionary<object, int> _copyOf = new(ReferenceEqualityComparer.Instance);

    /// <summary>On the control thread, while all loops stand still. Once.</summary>
    public IReadOnlyList<DescriptorMessage> Write(DescriptorCopies copies)
    {
        var state = Collect(copies);
        using var content = new MemoryStream(RowBytes);
        var rows = new List<DescriptorMessage> { Row(content, Common, state.WriteCommon, []) };
        AddRows(rows, content, Listeners, state.Listeners, static (to, listener, _) =>
        {
            to.Write(listener.Address);
            to.Write(listener.Port);
        });
        AddRows(rows, content, Servers, state.Servers, static (to, server, before) => server.Write(to, before));
        AddRows(rows, content, Clients, state.Clients, static (to, client, before) => client.Write(to, before));
        state.ForgetKeys();
        return rows;
    }

    private HandedState Collect(DescriptorCopies copies)
    {
        var state = new HandedState { NowUs = clock.NowUs };
        var listeners = new SortedDictionary<int, HandedListener>();
        walk.Each(view =>
        {
            foreach (var (descriptor, address, port) in view.Listeners)
            {
                if (!listeners.TryAdd(descriptor, new HandedListener(descriptor, address, port))) continue;
                _copyOf[listeners[descriptor]] = copies.Add(descriptor);
            }
            var (servers, clients) = (state.Servers.Count, state.Clients.Count);
            view.HandOver(state);
            foreach (var server in state.Servers.Skip(servers)) _copyOf[server] = copies.Add(server.OldDescriptor);
            foreach (var client in state.Clients.Skip(clients)) _copyOf[client] = copies.Add(client.Descriptor);
        });
        state.Listeners.AddRange(listeners.Values);
        foreach (var database in registry.Databases)
        {
            if (database.IsDisabled) state.Disabled.Add(database.Name);
        }
        foreach (var pool in registry.Pools)
        {
            if (pool != registry.AdminPool) state.Pools.Add(Of(pool));
        }
        secrets.AddTo(state);
        foreach (var statement in statements.All) state.Statements.Add((statement.Number, statement.Key));
        return state;
    }

    private HandedPool Of(Pool pool)
    {
        var totals = default(StatsTotals);
        foreach (var stats in pool.Stats) stats.AddTo(ref totals);
        var welcome = pool.Welcome as WelcomeParameters;
        return new HandedPool(pool.Database.Name, pool.User.Name, totals, welcome?.Untracked, welcome is null ? []
            : secrets.Tracked.Named(welcome.Tracked));
    }

    private void AddRows<T>(List<DescriptorMessage> rows, MemoryStream content, byte kind, List<T> items,
        Action<BinaryWriter, T, T?> write)
        where T : class
    {
        foreach (var part in items.Chunk(PerRow))
        {
            rows.Add(Row(
                content,
                kind,
                to =>
                {
                    to.Write(part.Length);
                    T? before = null;
                    foreach (var item in part)
                    {
                        write(to, item, before);
                        before = item;
                    }
                },
                [.. part.Select(item => _copyOf[item])]));
        }
    }

    /// <summary>There are secrets in it: the buffers it is made in are cleared here, the message itself by its sender.</summary>
    /// <param name="content">Used for one row after the other: a large buffer costs as much as a row.</param>
    private DescriptorMessage Row(MemoryStream content, byte kind, Action<BinaryWriter> write, int[] descriptors)
    {
        content.SetLength(0);
        using var to = new BinaryWriter(content, Encoding.UTF8, leaveOpen: true);
        to.Write(kind);
        write(to);
        to.Flush();
        var bytes = content.GetBuffer().AsSpan(0, (int)content.Length);
        var row = new RowWriter(_packet);
        row.BeginRow();
        row.Text(bytes);
        row.End();
        bytes.Clear();
        var message = new DescriptorMessage(_packet.WrittenSpan.ToArray(), descriptors);
        _packet.Wipe();
        return message;
    }
}
