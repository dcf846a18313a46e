using FastPool.Control.Operations;
using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.LoopRow>;

namespace FastPool.Control.Listings;

/// <summary>One loop as it was when it was visited.</summary>
internal sealed record LoopRow(int Loop, int Clients, int Servers, long BusyUs, long WakeUps, long ClientMessages,
    long ServerMessages, long ClientBytes, long ServerBytes, long Takeovers, long SendsTogether, long BrokenInvariants)
{
    public static List<LoopRow> All(LoopWalk walk)
    {
        var rows = new List<LoopRow>();
        walk.Each(view =>
        {
            var figures = view.Figures;
            rows.Add(
                new LoopRow(view.Loop, view.Clients.Count, view.Servers.Count, view.BusyUs, figures.WakeUps,
                figures.ClientMessages, figures.ServerMessages, figures.ClientBytes, figures.ServerBytes, figures.Takeovers,
                figures.SendsTogether, figures.BrokenInvariants));
        });
        return rows;
    }
}

/// <summary>SHOW LOOPS: what each thread of the data plane carries, and has done since the start.</summary>
internal static class LoopListing
{
    public static Listing<LoopRow> Listing { get; } = new(
        Int4("loop", static row => row.Loop),
        Int4("clients", static row => row.Clients),
        Int4("servers", static row => row.Servers),
        Numeric("wakeups", static row => row.WakeUps),
        Numeric("client_messages", static row => row.ClientMessages),
        Numeric("server_messages", static row => row.ServerMessages),
        Numeric("client_bytes", static row => row.ClientBytes),
        Numeric("server_bytes", static row => row.ServerBytes),
        Numeric("takeovers", static row => row.Takeovers),
        Numeric("sends_together", static row => row.SendsTogether),
        Numeric("busy_us", static row => row.BusyUs));
}
