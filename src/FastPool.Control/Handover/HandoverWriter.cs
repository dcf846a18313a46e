using FastPool.Base;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Control.Handover;

/// <summary>
/// Everything that stands still, as rows of one column for a process of our own kind: what is common first, then listeners,
/// servers and clients, some hundred a row, each row with the descriptors it tells of.
/// </summary>
internal sealed class HandoverWriter(PoolRegistry registry, LoopWalk walk, HandoverSecrets secrets, StatementTable statements, Clock clock)
{
    /// <summary>The kernel passes 253 descriptors at once.</summary>
    private const int PerRow = 200;

    /// <summary>Kinds of rows, by their first byte.</summary>
    internal const byte Common = 0, Listeners = 1, Servers = 2, Clients = 3;

    /// <summary>On the control thread, while all loops stand still.</summary>
    public IReadOnlyList<DescriptorMessage> Write()
    {
        var state = Collect();
        var rows = new List<DescriptorMessage> { Row(Common, state.WriteCommon, []) };
        AddRows(rows, Listeners, state.Listeners, static listener => listener.Descriptor, static (to, listener, _) =>
        {
            to.Write(listener.Address);
            to.Write(listener.Port);
        });
        AddRows(rows, Servers, state.Servers, static server => server.OldDescriptor, static (to, server, before) => server.Write(to, before));
        AddRows(rows, Clients, state.Clients, static client => client.Descriptor, static (to, client, before) => client.Write(to, before));
        return rows;
    }

    private HandedState Collect()
    {
        var state = new HandedState { NowUs = clock.NowUs };
        var listeners = new SortedDictionary<int, ListenerView>();
        walk.Each(view =>
        {
            foreach (var listener in view.Listeners) listeners.TryAdd(listener.Descriptor, listener);
            view.HandOver(state);
        });
        foreach (var listener in listeners.Values) state.Listeners.Add(new HandedListener(listener.Descriptor, listener.Address, listener.Port));
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
        return new HandedPool(pool.Database.Name, pool.User.Name, totals, welcome?.Untracked, welcome is null ? [] : secrets.Tracked.Named(welcome.Tracked));
    }

    private static void AddRows<T>(List<DescriptorMessage> rows, byte kind, List<T> items, Func<T, int> descriptor, Action<BinaryWriter, T, T?> write)
        where T : class
    {
        foreach (var part in items.Chunk(PerRow))
        {
            rows.Add(Row(
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
                [.. part.Select(descriptor)]));
        }
    }

    private static DescriptorMessage Row(byte kind, Action<BinaryWriter> write, int[] descriptors)
    {
        using var memory = new MemoryStream();
        using var to = new BinaryWriter(memory);
        to.Write(kind);
        write(to);
        to.Flush();
        var buffer = new MessageBuffer((int)memory.Length + 64);
        var row = new RowWriter(buffer);
        row.BeginRow();
        row.Text(memory.GetBuffer().AsSpan(0, (int)memory.Length));
        row.End();
        return new DescriptorMessage(buffer.WrittenSpan.ToArray(), descriptors);
    }
}
