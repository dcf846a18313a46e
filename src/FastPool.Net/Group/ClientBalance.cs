using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// Which clients are hot is not known when they are accepted, so hot ones may bunch on one loop. Once a second a full loop that
/// is much busier than another hands some of its clients over to that. They are clients that stand between two messages, the
/// busiest first, and so few that the other does not come to be much the busier one.
/// <para>
/// The busiest loop gives to the quietest, the second to the second quietest, and so on. A loop whose clients have changed
/// neither gives nor takes before it has been measured anew, so none answers to a state that is no more.
/// </para>
/// <para>
/// That goes on among the loops that are in use (<see cref="LoopNeed"/>). One that rests gives away the clients that say
/// something; those that are silent stay there, and cost nothing.
/// </para>
/// </summary>
/// <param name="threadTimes">
/// For how long the loop's thread had a processor, and waited for one, since its start, microseconds.
/// </param>
internal sealed class ClientBalance(Loop loop, Func<(long RanUs, long WaitedUs)> threadTimes)
{
    private const long PeriodUs = 1_000_000;
    private const int Whole = 1000;

    /// <summary>A loop in which nothing happens but its ticks; it is not measured.</summary>
    private const int IdleWakeUpsMax = 4;

    /// <summary>A client that has moved stays for so long.</summary>
    internal const long StayUs = 10_000_000;

    /// <summary>After a look that has found nobody to hand over.</summary>
    private const long RestUs = 10_000_000;

    /// <summary>
    /// A client that has said something within that time does not stay on a loop that rests. Two ticks, where little happens.
    /// </summary>
    private const long LatelyUs = 2_000_000;

    private const int LookedAtMax = 2048;
    private const int MovedAtOnceMax = 1024;

    /// <summary>
    /// Thousandths of the time for which a loop ran or waited for a processor. With more, it is hardly ever without work.
    /// </summary>
    private const int WantedMost = 950;

    /// <summary>
    /// Thousandths of the time for which such a loop ran. With less, everybody waits for everybody on this machine, and no loop
    /// is what they wait for.
    /// </summary>
    private const int RanLeast = 450;

    /// <summary>Decides for all loops, on the first one.</summary>
    private readonly LoopNeed? _need = loop.Index == 0 ? new LoopNeed(loop.Shared) : null;

    private readonly List<(ClientConnection Client, int Weight)> _candidates = [];
    private long _sinceUs;
    private (long RanUs, long WaitedUs) _times;
    private long _wakeUps;
    private long _changes;
    private long _messages;
    private bool _isMeasured;
    private bool _isNoted;
    private int _first;
    private long _notedUs;
    private long _restsUntilUs;

    internal void Tick()
    {
        if (loop.Shared.Loads.Count == 1) return;
        if (!loop.IsInUse) GiveAway();
        var passedUs = loop.NowUs - _sinceUs;
        if (_sinceUs > 0 && passedUs < PeriodUs) return;
        var measured = Measure(passedUs);
        _need?.Tick();
        if (measured is not { } load) return;
        var inUse = loop.Shared.LoopsInUse.Count;
        if (load < LoopNeed.FullLoad || loop.Index >= inUse || Partner(loop.Shared.Loads, loop.Index, inUse) is not { } target)
        {
            _isNoted = false;
            return;
        }
        if (loop.NowUs < _restsUntilUs) return;
        if (_isNoted) HandOver(load, target);
        else NoteClients();
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    internal void GiveBack() => _candidates.TrimExcess();

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
            var times = threadTimes();
            if (_isMeasured) load = LoadOf(times.RanUs - _times.RanUs, times.WaitedUs - _times.WaitedUs, passedUs);
            (_times, _isMeasured) = (times, true);
        }
        if (load is { } known) loop.Shared.Loads[loop.Index] = known;
        if (isWhole && load is not null) return load;
        loop.Shared.Loads[loop.Index] = LoopLoads.Unknown;
        return null;
    }

    /// <summary>
    /// The part of the time for which it had a processor, in thousandths. A loop that is hardly ever without work, and would have
    /// much more of a processor to itself, is as busy as can be: several get more of a machine that is full.
    /// </summary>
    internal static int LoadOf(long ranUs, long waitedUs, long passedUs) =>
        (ranUs + waitedUs) * Whole >= passedUs * WantedMost && ranUs * Whole >= passedUs * RanLeast
            ? Whole : (int)Math.Clamp(ranUs * Whole / passedUs, 0, Whole);

    /// <summary>
    /// The loop to give to: as many are quieter than that one as are busier than this one. Null: it is not much quieter.
    /// </summary>
    /// <param name="inUse">So many loops are in use.</param>
    internal static int? Partner(LoopLoads loads, int own, int inUse)
    {
        var load = loads[own];
        var busier = 0;
        for (var i = 0; i < inUse; i++)
        {
            if (i != own && loads[i] is >= 0 and var other && (other > load || (other == load && i < own))) busier++;
        }
        for (var candidate = 0; candidate < inUse; candidate++)
        {
            var its = loads[candidate];
            if (its < 0) continue;
            var quieter = 0;
            for (var i = 0; i < inUse; i++)
            {
                if (i != candidate && loads[i] is >= 0 and var other
                    && (other < its || (other == its && i > candidate))) quieter++;
            }
            if (quieter == busier) return candidate != own && load * 2 > its * 3 ? candidate : null;
        }
        return null;
    }

    /// <summary>The loop rests: clients that have said something lately go to one that is in use.</summary>
    private void GiveAway()
    {
        var messages = loop.Figures.ClientMessages;
        if (messages == _messages) return;
        _messages = messages;
        _isNoted = false;
        var all = loop.ClientList.Count;
        var looked = Math.Min(all, LookedAtMax);
        if (_first >= all) _first = 0;
        for (var i = 0; i < looked; i++)
        {
            var client = loop.ClientList[(_first + i) % all];
            if (loop.NowUs - client.Session.RequestUs < LatelyUs && client.CanMove) _candidates.Add((client, 0));
        }
        _first += looked;
        var target = (byte)TargetOfGift(loop.Shared.Loads, loop.Index, loop.Shared.LoopsInUse.Count);
        for (var i = 0; i < Math.Min(_candidates.Count, MovedAtOnceMax); i++) _candidates[i].Client.TryMoveTo(target);
        _candidates.Clear();
    }

    /// <summary>The first loop that rests gives to the quietest, the second to the second quietest, and so round.</summary>
    internal static int TargetOfGift(LoopLoads loads, int own, int inUse)
    {
        var place = (own - inUse) % inUse;
        for (var candidate = 0; candidate < inUse; candidate++)
        {
            var its = loads.LastOf(candidate);
            var quieter = 0;
            for (var i = 0; i < inUse; i++)
            {
                var other = loads.LastOf(i);
                if (other < its || (other == its && i < candidate)) quieter++;
            }
            if (quieter == place) return candidate;
        }
        return 0; // Their loads have changed meanwhile.
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
