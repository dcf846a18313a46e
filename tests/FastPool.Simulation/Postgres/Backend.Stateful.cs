namespace FastPool.Simulation.Postgres;

/// <summary>
/// The commands that leave something in a session: a client's begin with a small letter, the pooler's own with a capital one.
/// </summary>
internal sealed partial class Backend
{
    private bool _mayRestore; // A client's RESET has come last: the pooler's SET may stand right behind it.
    private string _messageText = "";

    /// <summary>The fault that a test has planted in it.</summary>
    internal Leak Leak { get; set; }

    private bool IsPlanted(Leak leak) => Leak == leak;

    private static bool IsPoolersOwn(string statement) =>
        statement.Split(' ')[0] is "SET" or "RESET" or "SELECT" or "WITH" or "DEALLOCATE" or "DISCARD" or "check";

    private static bool IsReset(string text) =>
        text.StartsWith("reset", StringComparison.Ordinal) || text.StartsWith("discard", StringComparison.Ordinal);

    /// <summary>The statement behind an EXECUTE, or itself.</summary>
    private string Executed(string statement) =>
        statement.StartsWith("execute ", StringComparison.Ordinal)
            && Session.Prepared.TryGetValue(statement["execute ".Length..], out var prepared) ? prepared.Statement : statement;

    /// <returns>False: it is of another kind.</returns>
    private bool TryRunStateful(string statement)
    {
        if (statement.StartsWith("WITH a AS ", StringComparison.Ordinal)) AnswerQuestion(statement);
        else if (statement.StartsWith("SELECT FROM ", StringComparison.Ordinal)) RunRestore(statement);
        else if (SetConfigCall.TryRead(statement) is { } call) RunSetConfig(call, statement);
        else if (statement.StartsWith(LockCall, StringComparison.Ordinal)) RunLock(statement[LockCall.Length..]);
        else
        {
            var (command, rest) = Cut(statement);
            switch (command)
            {
                case "set" or "SET": RunSet(rest, isOwn: command == "SET"); break;
                case "reset" or "RESET": RunReset(rest, isOwn: command == "RESET"); break;
                case "savepoint" or "release": RunSavepoint(command, rest); break;
                case "rollback" when rest.StartsWith("to ", StringComparison.Ordinal): RunRollbackTo(rest[3..]); break;
                case "prepare": RunPrepare(rest); break;
                case "execute": Fail("26000", Missing(rest)); break;
                case "deallocate" or "DEALLOCATE" when rest != "all": RunDeallocate(rest, isOwn: command == "DEALLOCATE"); break;
                case "create": RunTable(rest, "CREATE TABLE", "42P07", Session.TryCreateTable); break;
                case "drop": RunTable(rest, "DROP TABLE", "42P01", Session.TryDropTable); break;
                case "discard" when rest == "temp":
                    Session.DropTables();
                    Complete("DISCARD TEMP");
                    break;
                case "declare":
                    if (Session.HeldCursors.Add(Cut(rest).First)) Complete("DECLARE CURSOR");
                    else Fail("42P03", "cursor exists");
                    break;
                case "close":
                    if (Session.HeldCursors.Remove(rest)) Complete("CLOSE CURSOR");
                    else Fail("34000", "cursor does not exist");
                    break;
                default: return false;
            }
        }
        return true;
    }

    private static (string First, string Behind) Cut(string text)
    {
        var blank = text.IndexOf(' ');
        return blank < 0 ? (text, "") : (text[..blank], text[(blank + 1)..]);
    }

    private void RunSet(string rest, bool isOwn)
    {
        if (isOwn && IsPlanted(Leak.Set))
        {
            Complete("SET");
            return;
        }
        var (first, behind) = Cut(rest);
        var isLocal = first == "local";
        if (isLocal || (first == "session" && !behind.StartsWith("authorization", StringComparison.Ordinal))) rest = behind;
        if (rest.StartsWith("role ", StringComparison.Ordinal)) rest = "role=" + rest["role ".Length..];
        else if (rest.StartsWith("session authorization ", StringComparison.Ordinal))
            rest = "session_authorization=" + rest["session authorization ".Length..];
        var equals = rest.IndexOf('=');
        if (TrySet(rest[..equals].Trim(), rest[(equals + 1)..].Trim(), isLocal)) Complete("SET");
    }

    private bool TrySet(string name, string literal, bool isLocal)
    {
        name = KnownName(name);
        var value = name == Variables.SearchPath && literal.StartsWith('"')
            ? string.Join(", ", literal.Split(',').Select(static part => Unquoted(part.Trim()))) : SqlText.Value(literal);
        if (value == "bogus")
        {
            Fail("22023", "invalid value for parameter");
            return false;
        }
        if (name == Variables.Role && value == "none") Session.Reset(name);
        else Session.Set(name, value, isLocal);
        return true;
    }

    /// <summary>A name of a schema, as PostgreSQL spells it.</summary>
    private static string Unquoted(string name) => name[1..^1].All(char.IsAsciiLetterLower) ? name[1..^1] : name;

    private static string KnownName(string name)
    {
        name = Variables.NameOf(name);
        return Variables.DefaultOf(name) is null ? throw new SimulationException("a server was told to set " + name) : name;
    }

    private void RunSetConfig(SetConfigCall call, string statement)
    {
        var isUndo = call.Value is null;
        if (call.Name.StartsWith('#')) // By a parameter, bound late.
        {
            Fail("42704", "unrecognized configuration parameter");
            return;
        }
        if (call.IsOwn && IsPlanted(isUndo ? Leak.Undo : Leak.Set))
        {
            // Nothing comes of it.
        }
        else if (isUndo)
        {
            Session.Reset(KnownName(call.Name));
        }
        else if (!TrySet(call.Name, call.Value!, call.IsLocal))
        {
            return;
        }
        if (!HasRows(statement))
        {
            Complete(statement.StartsWith("do ", StringComparison.Ordinal) ? "DO" : "CALL");
            return;
        }
        SendRow(Session[KnownName(call.Name)]);
        Complete("SELECT 1");
    }

    /// <summary>The pooler brings back values of a login: all, or in a list of cases those that have been reset.</summary>
    private void RunRestore(string statement)
    {
        const string Function = "pg_catalog.set_config(";
        var isInDoubt = statement.Contains("CASE WHEN ", StringComparison.Ordinal);
        for (var at = 0; (at = statement.IndexOf(Function, at, StringComparison.Ordinal)) >= 0; at += Function.Length)
        {
            var call = SetConfigCall.TryRead("SELECT " + statement[at..])!;
            if (isInDoubt && Session.IsSet(KnownName(call.Name))) continue;
            if (!IsPlanted(Leak.Set) && !TrySet(call.Name, call.Value!, isLocal: false)) return;
        }
        Complete("SELECT 0");
    }

    private const string LockCall = "select pg_advisory_";

    private void RunLock(string call)
    {
        var name = call[(call.IndexOf('(') + 1)..call.IndexOf(')')];
        if (call.StartsWith("lock(", StringComparison.Ordinal)) Session.Locks.Add(name);
        else Session.Locks.Remove(name);
        SendRow("");
        Complete("SELECT 1");
    }

    private void RunReset(string name, bool isOwn)
    {
        if (isOwn && IsPlanted(Leak.Undo))
        {
            Complete("RESET");
            return;
        }
        if (name == "all") Session.ResetAll();
        else Session.Reset(KnownName(name is "session authorization" ? Variables.SessionAuthorization : name.ToLowerInvariant()));
        Complete("RESET");
    }

    private void RunSavepoint(string command, string name)
    {
        if (Status == 'I')
        {
            Fail("25P01", command + " can only be used in transaction blocks");
            return;
        }
        if (command == "savepoint") Session.Savepoint(name);
        else if (!Session.TryRelease(name))
        {
            Fail("3B001", "savepoint does not exist");
            return;
        }
        Complete(command.ToUpperInvariant());
    }

    private void RunRollbackTo(string name)
    {
        if (Status == 'I') Fail("25P01", "ROLLBACK TO SAVEPOINT can only be used in transaction blocks");
        else if (!Session.TryRollbackTo(name)) Fail("3B001", "savepoint does not exist");
        if (_error is not null) return;
        Status = 'T';
        Complete("ROLLBACK");
    }

    private void RunPrepare(string rest)
    {
        var (name, behind) = Cut(rest);
        if (Session.Prepared.TryAdd(name, (_messageText, behind["as ".Length..]))) Complete("PREPARE");
        else Fail("42P05", "prepared statement already exists");
    }

    private void RunDeallocate(string name, bool isOwn)
    {
        if (isOwn && IsPlanted(Leak.Undo)) Complete("DEALLOCATE");
        else if (Session.Prepared.Remove(name)) Complete("DEALLOCATE");
        else if (_statements.Remove(name)) Complete("DEALLOCATE");
        else Fail("26000", Missing(name));
    }

    private void RunTable(string rest, string tag, string code, Func<string, bool> tryRun)
    {
        if (tryRun(rest.Split(' ')[^1])) Complete(tag);
        else Fail(code, "relation exists, or does not");
    }

    private void AnswerQuestion(string question)
    {
        var columns = StateRow.Of(question, Session, Leak);
        Trace?.Invoke("> " + string.Join(" | ", columns));
        Output.Add(Wire.Typed('D', [.. Wire.Int16(columns.Count), .. columns.SelectMany(ColumnOf)]));
        Complete("SELECT 1");
    }

    private static byte[] ColumnOf(string? value) =>
        value is null ? Wire.Int32(-1) : [.. Wire.Int32(value.Length), .. Wire.Raw(value)];
}
