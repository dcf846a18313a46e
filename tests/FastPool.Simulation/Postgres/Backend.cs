using FastPool.Simulation.Network;

namespace FastPool.Simulation.Postgres;

internal enum SlowOutcome { Pending, Finished, Canceled }

/// <summary>A backend's requests to its surroundings: the fake server's, or those of a model of a direct connection.</summary>
internal interface IBackendHost
{
    /// <summary>How the slow statement with that token ended; Pending: it still runs.</summary>
    SlowOutcome Outcome(string token);

    /// <summary>A message that names a client has been taken.</summary>
    void OnClient(int client, bool isCopyData);

    /// <summary>ReadyForQuery is on its way.</summary>
    void OnReady(char status);

    /// <summary>DISCARD ALL: the session is as new.</summary>
    void OnReset();
}

/// <summary>
/// One PostgreSQL session after its login, as bytes in and bytes out: both query protocols, transactions, COPY, parameters.
/// The same class is the server behind the pooler and the model of what a direct connection would have shown.
/// Source: PostgreSQL, Message Flow.
/// </summary>
internal sealed partial class Backend(IBackendHost host, ServerVersion version)
{
    /// <summary>Reported by every version, in the order in which the pooler tracks them, with PostgreSQL's defaults.</summary>
    internal static readonly (string Name, string Default)[] Tracked =
    [
        ("DateStyle", "ISO, MDY"), ("client_encoding", "UTF8"), ("TimeZone", "UTC"), ("standard_conforming_strings", "on"),
        ("application_name", ""), ("IntervalStyle", "postgres"),
    ];

    private enum Need : byte { NewMessage, CopyMessage, Time }

    private sealed class Portal(string text)
    {
        internal string Text { get; } = text;
        internal int Position { get; set; }
    }

    private readonly Dictionary<string, string> _statements = [];
    private readonly Dictionary<string, Portal> _portals = [];
    private readonly Dictionary<string, string> _reported = [];
    private IEnumerator<Need>? _running;
    private Need _need;
    private (char Type, byte[] Body) _message;
    private (string Code, string Text)? _error;
    private bool _isSkipping;
    private int _closesRun;

    internal ByteQueue Input { get; } = new();
    internal ByteQueue Output { get; } = new();

    /// <summary>
    /// Requests that are canceled before they run, by the number of ReadyForQuery before them, with the Closes at their begin
    /// that were answered before that.
    /// </summary>
    internal Dictionary<int, int> Canceled { get; init; } = [];

    /// <summary>Gets each message, in short, for a replay; null: nobody looks.</summary>
    internal Action<string>? Trace { get; init; }

    /// <summary>I, T or E.</summary>
    internal char Status { get; private set; } = 'I';
    internal int ReadyCount { get; private set; }
    internal int CopyInCount { get; private set; }
    internal int ErrorCount { get; private set; }
    internal bool IsTerminated { get; private set; }

    /// <summary>The token of the slow statement that runs.</summary>
    internal string? SlowToken { get; private set; }

    internal IEnumerable<string> StatementNames => _statements.Keys.Where(name => name.Length > 0);

    /// <summary>Nothing runs and nothing complete waits.</summary>
    internal bool IsAtRest => _running is null && Wire.Frame(Input.Span, out _) == 0;

    /// <summary>After an error it reads past everything up to a Sync.</summary>
    internal bool IsSkipping => _isSkipping;

    internal bool IsWaitingForCopyData => _running is not null && _need == Need.CopyMessage;

    /// <summary>Its settings, and whatever else outlives a transaction.</summary>
    internal Session Session { get; } = new();

    /// <summary>Those whose changes it tells.</summary>
    internal IReadOnlyList<string> Reported { get; } = Variables.ReportedBy(version);

    /// <summary>The login is over.</summary>
    /// <param name="startup">Names and values given at the login, by turns.</param>
    internal void BeginSession(string user, IReadOnlyList<string> startup)
    {
        Session.SetAtLogin(Variables.SessionAuthorization, user);
        for (var i = 0; i + 1 < startup.Count; i += 2) Session.SetAtLogin(Variables.NameOf(startup[i]), startup[i + 1]);
        foreach (var name in Reported) _reported[name] = Session[name];
    }

    /// <summary>Goes on as far as the input and the clock let it.</summary>
    internal void Pump()
    {
        while (true)
        {
            if (_need != Need.Time && !TryTakeMessage()) return;
            if (_need == Need.NewMessage) _running = Handle(_message.Type, _message.Body).GetEnumerator();
            if (!_running!.MoveNext())
            {
                _running = null;
                _need = Need.NewMessage;
                continue;
            }
            _need = _running.Current;
            if (_need == Need.Time) return;
        }
    }

    private bool TryTakeMessage()
    {
        var length = Wire.Frame(Input.Span, out var type);
        if (length == 0) return false;
        if (!"QPBDECSHFdcfX".Contains(type)) throw new SimulationException($"a server was sent a message of type {(int)type}");
        _message = (type, Input.Span[5..length].ToArray());
        Trace?.Invoke("< " + Wire.InShort(Input.Span[..length]).Split('\n')[0]);
        Input.Take(length);
        if (SqlText.ClientIn(_message.Body) is var client and >= 0) host.OnClient(client, type is 'd' or 'f');
        return true;
    }

    // ---- messages -------------------------------------------------------------------------------------------------

    private IEnumerable<Need> Handle(char type, byte[] body)
    {
        if (IsCanceled(type)) yield break;
        if (type is 'd' or 'c' or 'f' or 'H') yield break; // Outside COPY these are read past.
        if (type == 'X')
        {
            IsTerminated = true;
            yield break;
        }
        if (type == 'S')
        {
            _isSkipping = false;
            Ready();
            yield break;
        }
        if (_isSkipping) yield break;
        Session.Begin();
        var strings = type is 'F' ? [] : Wire.RawStrings(body);
        switch (type)
        {
            case 'Q':
                foreach (var need in RunQuery(strings[0])) yield return need;
                _mayRestore = IsReset(strings[0]);
                Ready();
                break;
            case 'F':
                CallFunction(body);
                Ready();
                break;
            case 'E':
                var rowsMax = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(body.Length - 4));
                foreach (var need in ExecutePortal(strings[0], rowsMax)) yield return need;
                EndExtended();
                break;
            default:
                HandleExtended(type, body, strings);
                EndExtended();
                break;
        }
    }

    /// <summary>It is the first message of a request that is canceled before it runs.</summary>
    private bool IsCanceled(char type)
    {
        if (_isSkipping || type is 'd' or 'c' or 'f' or 'X' or 'H') return false;
        if (!Canceled.TryGetValue(ReadyCount, out var closes)) return false;
        if (type == 'C' && _closesRun++ < closes) return false;
        _closesRun = 0;
        ErrorCount++;
        if (Status == 'T') Status = 'E'; // Of its transaction no server knows.
        Output.Add(Wire.Typed('E',
            [.. Wire.RawStrings("SERROR", "C57014", "Mcanceling statement due to user request"), 0]));
        if (type is 'Q' or 'F' or 'S') Ready();
        else _isSkipping = true;
        return true;
    }

    private void EndExtended()
    {
        if (_error is null) return;
        ReportError();
        _isSkipping = true;
    }

    private IEnumerable<Need> RunQuery(string text)
    {
        _statements.Remove("");
        var statements = SqlText.Split(text);
        if (statements.Count == 0) Output.Add(Wire.Typed('I'));
        foreach (var statement in statements)
        {
            if (Status != 'I' && IsPoolersOwn(statement) && !_mayRestore)
                throw new SimulationException("the pooler's own query came into a transaction");
            _messageText = text;
            foreach (var need in Run(statement, isSimple: true, new Portal(statement), int.MaxValue)) yield return need;
            if (_error is null) continue;
            ReportError();
            yield break;
        }
    }

    private void CallFunction(byte[] body)
    {
        if (Status == 'E') Fail("25P02", "current transaction is aborted");
        if (_error is null) Output.Add(Wire.Typed('V', [.. Wire.Int32(body.Length), .. body]));
        else ReportError();
    }

    private void HandleExtended(char type, byte[] body, string[] strings)
    {
        switch (type)
        {
            case 'P':
                _mayRestore |= IsReset(strings[1]);
                if (strings[0].Length == 0) _statements.Remove("");
                if (IsRefusedInFailedTransaction(strings[1])) return;
                if (strings[1].StartsWith("bad", StringComparison.Ordinal)) Fail("42601", "syntax error at " + strings[1]);
                else if (_statements.ContainsKey(strings[0]))
                    Fail("42P05", $"prepared statement \"{strings[0]}\" already exists");
                else _statements[strings[0]] = strings[1];
                if (_error is null) Output.Add(Wire.Typed('1'));
                break;
            case 'B':
                if (!_statements.TryGetValue(strings[1], out var text)) Fail("26000", Missing(strings[1]));
                else if (!IsRefusedInFailedTransaction(text))
                    _portals[strings[0]] = new Portal(text.Replace("$1", Argument(body, strings)));
                if (_error is null) Output.Add(Wire.Typed('2'));
                break;
            case 'D':
                var kind = (char)body[0];
                var name = strings[0][1..];
                var described = kind == 'S' ? _statements.GetValueOrDefault(name) : _portals.GetValueOrDefault(name)?.Text;
                if (described is null)
                {
                    if (kind == 'S') Fail("26000", Missing(name));
                    else Fail("34000", "nothing to describe");
                    return;
                }
                // Only what tells of no rows can be described there.
                if (HasRows(described) && IsRefusedInFailedTransaction(described)) return;
                if (kind == 'S') Output.Add(Wire.Typed('t', [0, 0]));
                if (HasRows(described)) DescribeRows();
                else Output.Add(Wire.Typed('n'));
                break;
            case 'C':
                if (body[0] == 'S') _statements.Remove(strings[0][1..]);
                else _portals.Remove(strings[0][1..]);
                Output.Add(Wire.Typed('3'));
                break;
        }
    }

    private static string Missing(string name) =>
        name.Length == 0 ? "unnamed prepared statement does not exist" : $"prepared statement \"{name}\" does not exist";

    /// <summary>The one argument that a Bind has here.</summary>
    private static string Argument(byte[] body, string[] strings)
    {
        // Behind the names, no format codes and the number of arguments.
        var at = strings[0].Length + strings[1].Length + 2 + 2 + 2;
        var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at));
        return System.Text.Encoding.Latin1.GetString(body, at + 4, length);
    }

    private IEnumerable<Need> ExecutePortal(string name, int rowsMax)
    {
        if (!_portals.TryGetValue(name, out var portal))
        {
            Fail("34000", "portal does not exist");
            yield break;
        }
        if (portal.Text.Length == 0)
        {
            Output.Add(Wire.Typed('I'));
            yield break;
        }
        foreach (var need in Run(portal.Text, isSimple: false, portal, rowsMax == 0 ? int.MaxValue : rowsMax)) yield return need;
    }

    private bool IsRefusedInFailedTransaction(string statement)
    {
        var isEnd = statement is "commit" or "rollback" or "ROLLBACK"
            || statement.StartsWith("rollback to ", StringComparison.Ordinal);
        if (Status != 'E' || isEnd) return false;
        Fail("25P02", "current transaction is aborted");
        return true;
    }

    // ---- statements -----------------------------------------------------------------------------------------------

    private bool HasRows(string statement) =>
        Executed(statement).Split(' ')[0] is "select" or "slow" or "show" or "SELECT" or "WITH";

    private IEnumerable<Need> Run(string statement, bool isSimple, Portal portal, int rowsMax)
    {
        if (IsRefusedInFailedTransaction(statement)) yield break;
        if (!isSimple) _messageText = statement;
        statement = Executed(statement);
        if (isSimple && HasRows(statement) && !statement.StartsWith("slow", StringComparison.Ordinal)) DescribeRows();
        if (TryRunStateful(statement)) yield break;
        var words = statement.Split(' ');
        switch (words[0])
        {
            case "select": SendRows(words[1], int.Parse(words[2]), int.Parse(words[3]), portal, rowsMax); break;
            case "show": ShowParameters(words[1]); break;
            case "notice":
                Output.Add(Wire.Notice("hello " + words[1]));
                Complete("DO");
                break;
            case "fail": Fail("22012", "division by zero in " + words[1]); break;
            case "begin" or "BEGIN":
                if (Status == 'I') Status = 'T';
                Complete("BEGIN");
                break;
            case "commit": EndTransaction(commits: Status != 'E'); break;
            case "ROLLBACK" when words.Length > 1: Fail("3B001", "savepoint does not exist"); break;
            case "rollback" or "ROLLBACK": EndTransaction(commits: false); break;
            case "slow":
                foreach (var need in RunSlow(words[1], isSimple, portal)) yield return need;
                break;
            case "copyin":
                foreach (var need in CopyIn(int.Parse(words[2]))) yield return need;
                break;
            case "copyearly": // As into a view, or where a trigger raises: it fails when CopyIn has been said and nothing read.
                Output.Add(Wire.Typed('G', [0, 0, 0]));
                CopyInCount++;
                Fail("55000", "cannot copy to " + words[1]);
                break;
            case "copyout": CopyOut(words[1], int.Parse(words[2]), int.Parse(words[3])); break;
            case "DISCARD":
                if (!IsPlanted(Leak.Discard)) DiscardAll();
                else Complete("DISCARD ALL");
                break;
            case "discard": // A client's own.
                if (Status == 'I') DiscardAll();
                else Fail("25001", "DISCARD ALL cannot run inside a transaction block");
                break;
            case "deallocate" or "/**/deallocate" or "DEALLOCATE":
                DropNamedStatements();
                Complete("DEALLOCATE ALL");
                break;
            case "check": Complete("SELECT 0"); break;
            default: Fail("42601", "syntax error at " + statement); break;
        }
    }

    private void DescribeRows() =>
        Output.Add(Wire.Typed('T',
        [.. Wire.Int16(1), .. Wire.Strings("v"), 0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]));

    private void SendRow(string value) =>
        Output.Add(Wire.Typed('D', [.. Wire.Int16(1), .. Wire.Int32(value.Length), .. Wire.Raw(value)]));

    private void SendRows(string token, int count, int size, Portal portal, int rowsMax)
    {
        for (var sent = 0; portal.Position < count; sent++)
        {
            if (sent == rowsMax)
            {
                Output.Add(Wire.Typed('s'));
                return;
            }
            SendRow($"{token}:{portal.Position}:" + new string((char)('a' + portal.Position % 26), size));
            portal.Position++;
        }
        Complete("SELECT " + count);
    }

    private void ShowParameters(string token)
    {
        SendRow($"{token} {(version == ServerVersion.Old ? string.Join('|', Reported.Select(name => Session[name]))
            : Session.InShort())}");
        Complete("SHOW");
    }

    private IEnumerable<Need> RunSlow(string token, bool isSimple, Portal portal)
    {
        SlowToken = token;
        var outcome = SlowOutcome.Finished;
        while (portal.Position == 0 && (outcome = host.Outcome(token)) == SlowOutcome.Pending) yield return Need.Time;
        SlowToken = null;
        if (outcome == SlowOutcome.Canceled)
        {
            Fail("57014", "canceling statement due to user request: " + token);
            yield break;
        }
        if (isSimple) DescribeRows();
        SendRows(token, 1, 10, portal, int.MaxValue);
    }

    /// <param name="badAt">Which CopyData the server cannot digest; 0: none.</param>
    private IEnumerable<Need> CopyIn(int badAt)
    {
        Output.Add(Wire.Typed('G', [0, 0, 0]));
        CopyInCount++;
        uint sum = 0;
        for (var count = 1; ;)
        {
            yield return Need.CopyMessage;
            switch (_message.Type)
            {
                case 'd':
                    foreach (var b in _message.Body) sum = sum * 31 + b;
                    if (count++ != badAt) continue;
                    Fail("22P04", "missing data for column");
                    yield break;
                case 'c':
                    Complete("COPY " + sum);
                    yield break;
                case 'f':
                    Fail("57014", "COPY from stdin failed");
                    yield break;
                case 'H' or 'S': continue;
                case 'X':
                    IsTerminated = true;
                    yield break;
                default:
                    Fail("08P01", "unexpected message type during COPY from stdin");
                    yield break;
            }
        }
    }

    private void CopyOut(string token, int count, int size)
    {
        Output.Add(Wire.Typed('H', [0, 0, 0]));
        for (var i = 0; i < count; i++) Output.Add(Wire.Typed('d', Wire.Raw($"{token}:{i}:" + new string('z', size))));
        Output.Add(Wire.Typed('c'));
        Complete("COPY " + count);
    }

    private void DropNamedStatements()
    {
        foreach (var name in StatementNames.ToList()) _statements.Remove(name);
        Session.Prepared.Clear();
    }

    private void DiscardAll()
    {
        Session.DiscardAll();
        DropNamedStatements();
        _portals.Clear();
        host.OnReset();
        Complete("DISCARD ALL");
    }

    // ---- transactions ---------------------------------------------------------------------------------------------

    private void EndTransaction(bool commits)
    {
        if (commits) Session.Commit();
        else Session.Rollback();
        Session.Begin();
        Status = 'I';
        Complete(commits ? "COMMIT" : "ROLLBACK");
    }

    private void Fail(string code, string text) => _error = (code, text);

    private void ReportError()
    {
        ErrorCount++;
        Output.Add(Wire.Error("ERROR", _error!.Value.Code, _error.Value.Text));
        _error = null;
        Session.Fail();
        if (Status == 'T') Status = 'E';
    }

    private void Complete(string tag) => Output.Add(Wire.Typed('C', Wire.RawStrings(tag)));

    private void Ready()
    {
        if (Status == 'I')
        {
            Session.Commit();
            _portals.Clear();
        }
        foreach (var name in Reported)
        {
            if (Session[name] == _reported[name] || IsPlanted(Leak.Report)) continue;
            _reported[name] = Session[name];
            Output.Add(Wire.Typed('S', Wire.RawStrings(name, _reported[name])));
        }
        Output.Add(Wire.Typed('Z', [(byte)Status]));
        ReadyCount++;
        host.OnReady(Status);
    }
}
