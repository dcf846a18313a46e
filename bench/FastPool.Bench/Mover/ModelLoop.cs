using FastPool.Core.Pools;

namespace FastPool.Bench.Mover;

/// <summary>
/// A loop of the model, on a core of its own. A method that takes time yields the times at which it goes on. Between two of
/// them nothing else happens, so all that it reads and changes there is one instant.
/// </summary>
internal sealed class ModelLoop : BenchLoop
{
    private readonly MoverModel _model;
    private readonly IEnumerator<double> _steps;
    private readonly Queue<ModelServer> _mail = new();
    private readonly CacheLine _mailLine;
    private bool _isParked;
    private double _parkedUntilNs;
    private double _turnSinceNs;
    private int _operationsOfTurn;

    public ModelLoop(MoverModel model, byte index)
        : base(index)
    {
        _model = model;
        _mailLine = new CacheLine(model.Costs);
        Clients = new ModelClient[model.Case.ClientsPerLoop];
        for (var i = 0; i < Clients.Length; i++) Clients[i] = new ModelClient(index);
        _steps = Run().GetEnumerator();
    }

    public ModelClient[] Clients { get; }

    /// <summary>Raised each time it is told when to go on: an earlier plan is void.</summary>
    public int Waits { get; set; }

    public override long NowUs => 1_000_000 + (long)(_model.NowNs / 1000);

    private double NowNs => _model.NowNs;

    private MoverCosts Costs => _model.Costs;

    /// <returns>The time at which it goes on; infinite: with its next letter.</returns>
    public double Step() => _steps.MoveNext() ? _steps.Current : double.PositiveInfinity;

    /// <summary>The server that an effect of the operation just run gives to the client; null: none does.</summary>
    public ModelServer? GrantedTo(PoolClient client)
    {
        foreach (var effect in Effects)
        {
            if (effect.Kind == PoolEffectKind.Grant && effect.Client == client) return (ModelServer)effect.Server!;
        }
        return null;
    }

    /// <summary>Servers on their way here, or to be handed on.</summary>
    public int ServersOnTheWay => _mail.Count + Effects.Count(static effect => effect.Kind == PoolEffectKind.Grant);

    private IEnumerable<double> Run()
    {
        foreach (var client in Clients)
        {
            client.State = ClientState.Active;
            foreach (var at in Submit(PoolOperationKind.Join, client, null)) yield return at;
        }
        while (true)
        {
            yield return _mailLine.Read(Loop, NowNs + Costs.LoopTurn);
            var isBusy = _mail.Count > 0;
            if (isBusy)
            {
                foreach (var at in ReadMail()) yield return at;
            }
            foreach (var client in Clients)
            {
                if (client.DueNs > NowNs) continue;
                isBusy = true;
                foreach (var at in Serve(client)) yield return at;
            }
            if (isBusy) continue;
            _isParked = true;
            _parkedUntilNs = Clients.Min(static client => client.DueNs);
            yield return _parkedUntilNs;
            _isParked = false;
        }
    }

    private IEnumerable<double> Serve(ModelClient client)
    {
        if (_model.Case.WorkNs > 0) yield return NowNs + _model.Case.WorkNs / 2 * _model.Uneven;
        if (client.Server is { } server)
        {
            client.Server = null;
            client.DueNs = NowNs;
            server.LastActivityUs = NowUs;
            var operation = new ModelOperation(PoolOperationKind.Return, null, server, this, NowNs);
            foreach (var at in _model.MayReturnOwn(server, Loop) ? RunAlone(operation) : Submit(operation)) yield return at;
            _model.Figures.Returned++;
        }
        else
        {
            client.WaitStartUs = NowUs;
            client.AskedNs = NowNs;
            client.State = ClientState.Waiting;
            client.DueNs = double.PositiveInfinity;
            var operation = new ModelOperation(PoolOperationKind.Acquire, client, null, this, NowNs);
            foreach (var at in _model.MayTakeOwn(Loop) ? RunAlone(operation) : Submit(operation)) yield return at;
            if (operation.Taken is { } taken) Hold(client, taken);
        }
        foreach (var at in RunEffects()) yield return at;
    }

    private void Hold(ModelClient client, ModelServer server)
    {
        client.State = ClientState.Active;
        client.Server = server;
        client.DueNs = NowNs;
        if (_model.Case.TransactionNs > 0)
            client.DueNs -= Math.Log(1 - _model.Random.NextDouble()) * _model.Case.TransactionNs;
        _model.Figures.Taken++;
        _model.Figures.RequestWaitNs += NowNs - client.AskedNs;
    }

    // ---- the turn, as Pool.Submit has it ----------------------------------------------------------------------------

    private IEnumerable<double> Submit(PoolOperationKind kind, ModelClient? client, ModelServer? server) =>
        Submit(new ModelOperation(kind, client, server, this, NowNs));

    private IEnumerable<double> Submit(ModelOperation operation)
    {
        yield return _model.TurnLine.Write(Loop, NowNs);
        if (!_model.IsTurnTaken)
        {
            BeginTurn();
            foreach (var at in RunLeft()) yield return at;
            foreach (var at in RunOne(operation)) yield return at;
            foreach (var at in EndTurn()) yield return at;
            yield break;
        }
        yield return _model.LeftLine.Read(Loop, NowNs);
        var version = _model.LeftVersion;
        yield return _model.LeftLine.Write(Loop, NowNs);
        // Another has come before: the exchange fails, and leaves the line at hand for the next try.
        if (version != _model.LeftVersion) yield return NowNs + Costs.Atomic;
        operation.IsLeft = true;
        _model.Left.Push(operation);
        _model.LeftVersion++;
        _model.Figures.Left++;
        yield return _model.TurnLine.Write(Loop, NowNs);
        if (_model.IsTurnTaken) yield break;
        BeginTurn();
        foreach (var at in EndTurn()) yield return at;
    }

    private void BeginTurn()
    {
        _model.IsTurnTaken = true;
        _turnSinceNs = NowNs;
        _operationsOfTurn = 0;
    }

    private IEnumerable<double> EndTurn()
    {
        while (true)
        {
            foreach (var at in RunLeft()) yield return at;
            yield return _model.TurnLine.Write(Loop, NowNs);
            _model.IsTurnTaken = false;
            var figures = _model.Figures;
            figures.TurnHeldNs += NowNs - _turnSinceNs;
            figures.OperationsPerTurnMax = Math.Max(figures.OperationsPerTurnMax, _operationsOfTurn);
            yield return _model.LeftLine.Read(Loop, NowNs);
            if (_model.Left.Count == 0) yield break;
            yield return _model.TurnLine.Write(Loop, NowNs);
            if (_model.IsTurnTaken) yield break;
            BeginTurn();
        }
    }

    private IEnumerable<double> RunLeft()
    {
        yield return _model.LeftLine.Read(Loop, NowNs);
        if (_model.Left.Count == 0) yield break;
        yield return _model.LeftLine.Write(Loop, NowNs);
        foreach (var operation in _model.Left.Reverse()) _model.Running.Enqueue(operation);
        _model.Left.Clear();
        _model.LeftVersion++;
        while (_model.Running.TryDequeue(out var operation))
        {
            if (operation.By != this) yield return NowNs + Costs.Transfer; // The operation itself.
            foreach (var at in RunOne(operation)) yield return at;
        }
    }

    private IEnumerable<double> RunOne(ModelOperation operation)
    {
        _operationsOfTurn++;
        _model.Figures.AddTurnWait(NowNs - operation.SinceNs);
        yield return NowNs + _model.Decide(operation, this) * _model.Uneven;
    }

    private IEnumerable<double> RunAlone(ModelOperation operation)
    {
        _model.Decide(operation, this);
        _model.Figures.AddTurnWait(0);
        yield return NowNs + _model.PriceOfOwn;
    }

    // ---- what the pool decides, as Loop.Grant has it -----------------------------------------------------------------

    private IEnumerable<double> RunEffects()
    {
        while (Effects.TryDequeue(out var effect))
        {
            if (effect.Kind == PoolEffectKind.Dial)
            {
                var opened = new ModelServer(_model.Pool, Loop) { LastActivityUs = NowUs };
                foreach (var at in Submit(PoolOperationKind.LoginDone, null, opened)) yield return at;
            }
            else if (effect.Kind == PoolEffectKind.Grant)
            {
                var (client, server) = ((ModelClient)effect.Client!, (ModelServer)effect.Server!);
                if (server.Loop != Loop)
                {
                    foreach (var at in Post(server, server.Loop, ServerEvent.Leave, client)) yield return at;
                }
                else if (client.Loop == Loop) Hold(client, server);
                else
                {
                    foreach (var at in HandOver(client, server)) yield return at;
                }
            }
        }
    }

    private IEnumerable<double> HandOver(ModelClient client, ModelServer server)
    {
        if (client.Loop == Loop)
        {
            foreach (var at in Submit(PoolOperationKind.Arrived, null, server)) yield return at;
            Hold(client, server);
            yield break;
        }
        if (_model.Case.IsRealLoop) yield return NowNs + Costs.Detach;
        server.Loop = client.Loop;
        foreach (var at in Post(server, client.Loop, ServerEvent.Arrive, client)) yield return at;
    }

    private IEnumerable<double> Post(ModelServer server, byte to, ServerEvent errand, ModelClient client)
    {
        (server.Errand, server.ErrandClient) = (errand, client);
        _model.Figures.Letters++;
        var reader = _model.Loops[to];
        yield return reader._mailLine.Write(Loop, NowNs);
        reader._mail.Enqueue(server);
        if (!reader._isParked) yield break;
        reader._isParked = false;
        if (!_model.Case.IsRealLoop)
        {
            _model.Resume(reader, NowNs);
            yield break;
        }
        _model.Resume(reader, Math.Min(reader._parkedUntilNs, NowNs + Costs.Signal + Costs.WakeUp));
        yield return NowNs + Costs.Signal;
    }

    private IEnumerable<double> ReadMail()
    {
        yield return _mailLine.Write(Loop, NowNs);
        for (var count = _mail.Count; count > 0; count--)
        {
            var server = _mail.Dequeue();
            yield return NowNs + Costs.Transfer + Costs.LetterRest;
            foreach (var at in RunErrand(server)) yield return at;
            foreach (var at in RunEffects()) yield return at;
        }
    }

    private IEnumerable<double> RunErrand(ModelServer server)
    {
        var (errand, client) = (server.Errand, (ModelClient)server.ErrandClient!);
        (server.Errand, server.ErrandClient) = (ServerEvent.None, null);
        if (errand == ServerEvent.Leave)
        {
            foreach (var at in HandOver(client, server)) yield return at;
            yield break;
        }
        _model.Figures.Moves++;
        if (_model.Case.IsRealLoop) yield return NowNs + Costs.Attach;
        foreach (var at in Submit(PoolOperationKind.Arrived, null, server)) yield return at;
        Hold(client, server);
    }
}
