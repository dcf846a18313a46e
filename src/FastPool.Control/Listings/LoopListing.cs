using FastPool.Control.Operations;
using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.LoopRow>;
using static FastPool.Control.Listings.Metric;

namespace FastPool.Control.Listings;

/// <summary>One loop as it was when it was visited.</summary>
internal sealed record LoopRow(int Loop, int Clients, int Servers, long BusyUs, long WakeUps, long ClientMessages,
    long ServerMessages, long ClientBytes, long ServerBytes, long Moves, long SendsTogether, long BrokenInvariants,
    long UnnamedHealed, long StateQuestions, long StateBatches, long AbandonedKept, int Listeners, long Notifications,
    long ResultsHeld, long ResultsRefused, long HeldResultBytes, (int Own, int Library) Tls, long ClientsIn, long ClientsOut,
    bool IsInUse)
{
    public static List<LoopRow> All(LoopWalk walk)
    {
        var rows = new List<LoopRow>();
        walk.Each(view =>
        {
            var figures = view.Figures;
            rows.Add(
                new LoopRow(view.Loop, view.Clients.Count, view.Servers.Count, view.BusyUs, figures.WakeUps,
                figures.ClientMessages, figures.ServerMessages, figures.ClientBytes, figures.ServerBytes, figures.Moves,
                figures.SendsTogether, figures.BrokenInvariants, figures.UnnamedHealed,
                figures.StateQuestions, figures.StateBatches, figures.AbandonedKept,
                view.Servers.Sum(static server => server.Hub?.Clients ?? 0), figures.Notifications,
                figures.ResultsHeld, figures.ResultsRefused, figures.HeldResultBytes, view.TlsCounts,
                figures.ClientsIn, figures.ClientsOut, view.IsInUse));
        });
        return rows;
    }
}

/// <summary>SHOW LOOPS: what each thread of the data plane carries, and has done since the start.</summary>
internal static class LoopListing
{
    public static Listing<LoopRow> Listing { get; } = new(
        Int4("loop", static row => row.Loop),
        Int4("clients", static row => row.Clients)
            .Is(Gauge("fastpool_loop_client_connections", "Client connections of the loop")),
        Int4("servers", static row => row.Servers)
            .Is(Gauge("fastpool_loop_server_connections", "Server connections of the loop")),
        Numeric("wakeups", static row => row.WakeUps)
            .Is(Counter("fastpool_loop_wakeups_total", "How often the loop waited for input")),
        Numeric("client_messages", static row => row.ClientMessages)
            .Is(Counter("fastpool_loop_client_messages_total", "Messages from clients to servers")),
        Numeric("server_messages", static row => row.ServerMessages)
            .Is(Counter("fastpool_loop_server_messages_total", "Messages from servers, rows included")),
        Numeric("client_bytes", static row => row.ClientBytes)
            .Is(Counter("fastpool_loop_client_received_bytes_total", "Bytes received from clients")),
        Numeric("server_bytes", static row => row.ServerBytes)
            .Is(Counter("fastpool_loop_server_received_bytes_total", "Bytes received from servers")),
        Numeric("moves", static row => row.Moves)
            .Is(Counter("fastpool_loop_moves_total", "Servers that came from other loops")),
        Numeric("sends_together", static row => row.SendsTogether)
            .Is(Counter("fastpool_loop_sends_together_total", "Sends that left together with others, by io_uring")),
        Numeric("busy_us", static row => row.BusyUs)
            .Is(CounterOfUs("fastpool_loop_busy_seconds_total", "CPU time of the loop's thread")),
        Numeric("clients_in", static row => row.ClientsIn)
            .Is(Counter("fastpool_loop_clients_in_total", "Clients that came from other loops")),
        Numeric("clients_out", static row => row.ClientsOut)
            .Is(Counter("fastpool_loop_clients_out_total", "Clients that were handed over to other loops")),
        Int4("in_use", static row => row.IsInUse ? 1 : 0)
            .Is(Gauge("fastpool_loop_in_use", "1: the loop accepts clients; 0: it rests, for others do")),
        Unlisted("tls_own", static row => row.Tls.Own)
            .Is(Gauge("fastpool_loop_tls_own_connections", "TLS connections whose records are the pooler's own")),
        Unlisted("tls_library", static row => row.Tls.Library)
            .Is(Gauge("fastpool_loop_tls_library_connections", "TLS connections in the library's hands")),
        Unlisted("broken_invariants", static row => row.BrokenInvariants)
            .Is(Counter(
                "fastpool_loop_broken_invariants_total",
                "Mistakes of the pooler's own that were contained: each closed one connection and has a line in the log")),
        Unlisted("unnamed_healed", static row => row.UnnamedHealed)
            .Is(Counter(
                "fastpool_loop_unnamed_healed_total",
                "Unnamed statements that were prepared once more, for the server had another client's")),
        Unlisted("state_questions", static row => row.StateQuestions)
            .Is(Counter("fastpool_loop_state_questions_total", "Questions for the state of a session (session_state)")),
        Unlisted("state_batches", static row => row.StateBatches)
            .Is(Counter("fastpool_loop_state_batches_total", "Batches that brought a client's session state to a server")),
        Unlisted("abandoned_kept", static row => row.AbandonedKept)
            .Is(Counter(
                "fastpool_loop_abandoned_kept_total",
                "Servers that were kept though their client had gone in a transaction (abandoned_transaction)")),
        Unlisted("listeners", static row => row.Listeners)
            .Is(Gauge("fastpool_loop_listeners", "Clients that listen by a listening connection of the loop")),
        Unlisted("notifications", static row => row.Notifications)
            .Is(Counter(
                "fastpool_loop_notifications_total", "Notifications of listening connections, once for each client told")),
        Unlisted("results_held", static row => row.ResultsHeld)
            .Is(Counter(
                "fastpool_loop_results_held_total", "Results of which a part was held for a slow client (result_buffer)")),
        Unlisted("results_refused", static row => row.ResultsRefused)
            .Is(Counter(
                "fastpool_loop_results_refused_total",
                "Results whose server waited for the client, for result_buffer_total was used up")),
        Unlisted("held_result_bytes", static row => row.HeldResultBytes)
            .Is(Gauge("fastpool_loop_held_result_bytes", "Bytes of results that are held for slow clients")));
}
