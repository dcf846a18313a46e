using FastPool.Control.Answers;
using FastPool.Control.Handover;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.DescriptorRow>;

namespace FastPool.Control.Listings;

/// <summary>A socket for SHOW FDS.</summary>
internal sealed record DescriptorRow(int Descriptor, string Task, string? User, string? Database, string Address, long Port,
    ulong Cancel, long Link, ParameterValues? Parameters)
{
    /// <summary>Only for a session that gets descriptors: others have no use for a secret.</summary>
    public string? Password { get; init; }

    /// <inheritdoc cref="Password"/>
    public ScramKeys? Keys { get; init; }

    /// <summary>The descriptor sent with the row; negative: the connection has no socket now.</summary>
    public int Copy { get; init; }

    /// <summary>It has statements prepared under names that another process would use anew.</summary>
    public bool IsPrepared { get; init; }
}

/// <summary>
/// SHOW FDS. The own user gets the descriptors as well, each row's with its row, and what it needs to go on with them.
/// </summary>
internal static class DescriptorListing
{
    private const int ClientEncoding = TrackedParameters.ClientEncoding;
    private const int DateStyle = 0;
    private const int TimeZone = 2;

    public static Listing<DescriptorRow> Listing { get; } = new(
        Int4("fd", static row => row.Descriptor),
        Text("task", static row => row.Task),
        Text("user", static row => row.User),
        Text("database", static row => row.Database),
        Text("addr", static row => row.Address),
        Int4("port", static row => row.Port),
        Int8("cancel", static row => row.Cancel),
        Int4("link", static row => row.Link),
        Text("client_encoding", static row => row.Parameters?[ClientEncoding]),
        Text("std_strings", static row => row.Parameters?[TrackedParameters.StandardConformingStrings]),
        Text("datestyle", static row => row.Parameters?[DateStyle]),
        Text("timezone", static row => row.Parameters?[TimeZone]),
        Text("password", static row => row.Password),
        Bytea("scram_client_key", static row => row.Keys?.ClientKey),
        Bytea("scram_server_key", static row => row.Keys?.ServerKey));

    /// <summary>Listeners, clients in login, then pool by pool; without TLS and without the console's own.</summary>
    /// <param name="sources">Of everything.</param>
    /// <param name="connections">Of the loops.</param>
    /// <param name="copies">Gets the descriptors; null: they are shown only.</param>
    public static IEnumerable<DescriptorRow> Rows(Sources sources, Connections connections, DescriptorCopies? copies = null)
    {
        var listeners = new SortedDictionary<int, DescriptorRow>();
        sources.Walk.Each(view =>
        {
            foreach (var listener in view.Listeners)
            {
                if (!listeners.ContainsKey(listener.Descriptor)) listeners.Add(listener.Descriptor, RowOf(listener, copies));
            }
        });
        var requests = connections.CancelRequests().ConvertAll(static row => row.Id);
        var rows = connections.Clients(copies);
        rows.AddRange(connections.Servers(copies));
        rows.RemoveAll(row => !connections.MayBePassedOn(row) || requests.Contains(row.Id));
        var inOrder = connections.InOrder(rows).ToArray();
        return
        [
            .. listeners.Values,
            .. inOrder.Where(static row => row.Place == ConnectionPlace.ClientLogin).Select(RowOf),
            .. inOrder.Where(static row => row.Place is not (ConnectionPlace.ClientLogin or ConnectionPlace.ServerBeingCanceled))
                .Select(RowOf),
        ];
    }

    private static DescriptorRow RowOf(ListenerView listener, DescriptorCopies? copies) =>
        new(listener.Descriptor, "pooler", null, null, listener.Address, listener.Port, 0, 0,
            null)
        { Copy = copies?.Add(listener.Descriptor) ?? -1 };

    private static DescriptorRow RowOf(ConnectionRow row) => new(
        row.Descriptor,
        row.IsServer ? "server" : "client",
        row.User,
        row.Database,
        row.Remote.ToString(),
        row.Remote.IsUnix ? row.UnixPort : row.Remote.Port,
        row.CancelKey,
        row.LinkDescriptor,
        row.Parameters)
    {
        Copy = row.DescriptorCopy,
        IsPrepared = row is { IsServer: true, PreparedStatements: > 0, LinkId: 0 },
    };

    /// <summary>
    /// The rows with their descriptors. A free server that has statements prepared stays here, and ends with this process.
    /// </summary>
    public static IReadOnlyList<DescriptorMessage> Messages(IEnumerable<DescriptorRow> rows, HandoverSecrets secrets,
        ILocalTime time) =>
    [
        .. rows.Where(static row => row is { IsPrepared: false, Copy: >= 0 }).Select(row =>
        {
            var whole = row.Task == "client"
                ? row with { Password = secrets.SecretOf(row.Database, row.User), Keys = secrets.KeysOf(row.Database, row.User) }
                : row;
            return new DescriptorMessage(Listing.Row(whole, time), [row.Copy]);
        }),
    ];
}
