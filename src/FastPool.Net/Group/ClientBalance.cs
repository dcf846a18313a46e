using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// Which clients are hot is not known when they are accepted, so hot ones may bunch on one loop. Once a second a loop that is
/// much busier than another hands some of its clients over to that. They are clients that stand between two messages, the
/// busiest first, and so few that the other does not come to be much the busier one.
/// <para>
/// The busiest loop gives to the quietest, the second to the second quietest, and so on. A loop whose clients have changed
/// neither gives nor takes before it has been measured anew, so none answers to a state that is no more.
/// </para>
/// </summary>
/// <param name="wantedUs">The time in which the loop's thread wanted a processor since its start, microseconds.</param>
internal sealed class ClientBalance(Loop loop, Func<long> wantedUs)
{
    private const long PeriodUs = 1_000_000;
    private const int Whole = 1000;

    /// <summary>Thousandths of the time: a loop that is less busy needs no help.</summary>
    internal const int BusyLeast = 600;

    /// <summary>A loop in which nothing happens but its ticks; it is not measured.</summary>
    private const int IdleWakeUpsMax = 4;

    /// <summary>A client that has moved stays for so long.</summary>
    internal const long StayUs = 10_000_000;

    /// <summary>After a look that has found nobody to hand over.</summary>
    private const long RestUs = 10_000_000;

    private const int LookedAtMax = 2048;
    private const int MovedAtOnceMax = 64;

    private readonly List<(ClientConnection Client, int Weight)> _candidates = [];
    private long _sinceUs;
    private long _wantedUs;
    private long _wakeUps;
    private long _changes;
    private bool _isMeasured;
    private bool _isNoted;
    private int _first;
    private long _notedUs;
    private long _restsUntilUs;

    internal void Tick()
    {
        if (loop.Shared.Loads.Count == 1) return;
        var passedUs = loop.NowUs - _sinceUs;
        if (_sinceUs > 0 && passedUs < PeriodUs) return;
        if (Measure(passedUs) is not { } load) return;
        if (load < BusyLeast || Partner(loop.Shared.Loads, loop.Index) is not { } target)
        {
            _isNoted = false;
            return;
        }
        if (loop.NowUs < _restsUntilUs) return;
        if (_isNoted) HandOver(load, target);
        else NoteClients();
    }

    /// <summary>Publishes how busy the loop was since the last time.</summary>
    /// <returns>Null: that is not known.</returns>
    private int? Measure(long passedUs)
    {
        var figures = loop.Figures;
        var isIdle = figures.WakeUps - _wakeUps <= IdleWakeUpsMax;
        var changes = figures.ClientsIn + figures.ClientsOut;
        var isWhole = _sinceUs > 0 && changes == _changes;
        (_sinceUs, _wakeUps, _changes) = (loop.NowUs, figures.WakeUps, changes);
        int? load = null;
        if (isIdle)
        {
            _isMeasured = false;
            load = 0;
        }
        else
        {
            var wanted = wantedUs();
            if (_isMeasured) load = (int)Math.Clamp((wanted - _wantedUs) * Whole / passedUs, 0, Whole);
            (_wantedUs, _isMeasured) = (wanted, true);
        }
        if (!isWhole) load = null;
        loop.Shared.Loads[loop.Index] = load ?? LoopLoads.Unknown;
        return load;
    }

    /// <summary>
    /// The loop to give to: as many are quieter than that one as are busier than this one. Null: it is not much quieter.
    /// </summary>
    internal static int? Partner(LoopLoads loads, int own)
    {
        var load = loads[own];
        var busier = 0;
        for (var i = 0; i < loads.Count; i++)
        {
            if (i != own && loads[i] is >= 0 and var other && (other > load || (other == load && i < own))) busier++;
        }
        for (var candidate = 0; candidate < loads.Count; candidate++)
        {
            var its = loads[candidate];
            if (its < 0) continue;
            var quieter = 0;
            for (var i = 0; i < loads.Count; i++)
            {
                if (i != candidate && loads[i] is >= 0 and var other
                    && (other < its || (other == its && i > candidate))) quieter++;
            }
            if (quieter == busier) return candidate != own && load * 2 > its * 3 ? candidate : null;
        }
        return null;
    }

    /// <summary>The beginning of the time in which the transactions of the loop's clients are counted.</summary>
    private void NoteClients()
    {
        (_isNoted, _notedUs) = (true, loop.NowUs);
        var clients = loop.ClientList;
        if (_first >= clients.Count) _first = 0;
        for (var i = 0; i < Math.Min(clients.Count, LookedAtMax); i++)
        {
            var client = clients[(_first + i) % clients.Count];
            client.AssignmentsSeen = client.Session.Assignments;
        }
    }

    private void HandOver(int load, int target)
    {
        _isNoted = false;
        var all = loop.ClientList.Count;
        var looked = Math.Min(all, LookedAtMax);
        long total = 0;
        for (var i = 0; i < looked; i++)
        {
            var client = loop.ClientList[(_first + i) % all];
            if (WeightOf(client) is not (> 0 and var weight)) continue;
            total += weight;
            if (client.MovedUs == 0 || loop.NowUs - client.MovedUs >= StayUs) _candidates.Add((client, weight));
        }
        _first += looked;
        _candidates.Sort(static (a, b) => b.Weight.CompareTo(a.Weight));
        var (moved, mayBeLater) = (0, false);
        if (total > 0)
            moved = HandOver(target, load - loop.Shared.Loads[target], load, total * all / looked, out mayBeLater);
        _candidates.Clear();
        if (moved > 0) loop.Shared.Loads[loop.Index] = LoopLoads.Unknown;
        else if (!mayBeLater) _restsUntilUs = loop.NowUs + RestUs;
    }

    /// <summary>
    /// The first one goes unless the other loop would be so much busier by it that it might give it back; others go for a quarter
    /// of the difference.
    /// </summary>
    /// <param name="difference">Between the two loops.</param>
    /// <param name="total">The weights of all clients of this one, which make its load.</param>
    /// <param name="mayBeLater">Some would go that cannot at this moment.</param>
    /// <returns>How many go.</returns>
    private int HandOver(int target, int difference, int load, long total, out bool mayBeLater)
    {
        mayBeLater = false;
        var moved = 0;
        long sum = 0;
        foreach (var (client, weight) in _candidates)
        {
            var share = (long)weight * load;
            var most = sum == 0 ? difference * total * 3 / 5 : difference * total / 4;
            if (sum + share > most) continue;
            mayBeLater = true;
            if (!client.TryMoveTo((byte)target)) continue;
            sum += share;
            if (++moved == MovedAtOnceMax) break;
        }
        return moved;
    }

    /// <summary>Transactions since they were noted; one at least for a client that has said something.</summary>
    private int WeightOf(ClientConnection client)
    {
        if (client.AssignmentsSeen < 0) return 0;
        var transactions = client.Session.Assignments - client.AssignmentsSeen;
        client.AssignmentsSeen = -1;
        return transactions > 0 ? transactions : client.Session.RequestUs > _notedUs ? 1 : 0;
    }
}
