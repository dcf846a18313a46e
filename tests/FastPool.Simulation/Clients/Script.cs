using FastPool.Core.Settings;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Clients;

/// <summary>When a client goes on to its next piece.</summary>
internal enum Pace : byte
{
    /// <summary>All replies so far are here.</summary>
    Replies,
    /// <summary>The server said CopyIn, or the reply is here.</summary>
    CopyIn,
    /// <summary>At once: a pipeline.</summary>
    AtOnce,
    /// <summary>All errors so far are here.</summary>
    Error,
}

/// <summary>Bytes to send when the pace allows.</summary>
internal sealed record Piece(byte[] Bytes, Pace Pace);

/// <summary>The features that a script may use.</summary>
/// <param name="HasNames">Named statements outlive their transaction: the pooler carries them, or the session is the client's
/// own.</param>
/// <param name="MayDiscard">DISCARD ALL leads where a server of the pooler's begins: the client has no startup values of its
/// own.</param>
/// <param name="IsFast">Nothing slow.</param>
/// <param name="State">The part of its session that is to go with the client.</param>
/// <param name="Version">Of the servers.</param>
internal sealed record ScriptScope(PoolMode Mode, bool HasNames, bool MayDiscard, bool IsFast = false,
    StateScope State = StateScope.Basic, ServerVersion Version = ServerVersion.Old);

/// <summary>Everything one client will say, made from the seed before it starts. Each query carries a token of its own.</summary>
internal sealed class Script
{
    private static readonly string[] Values = ["app", "o'brien", "back\\slash", "a;b", "", "Ünïcode", "'", "x=y"];
    private static readonly string[] DateStyles = ["German", "ISO", "SQL, DMY", "Postgres, MDY"];

    private readonly int _client;
    private readonly Dice dice;
    private readonly ScriptScope _scope;
    private readonly NamedStatements _names;
    private readonly NamedPipeline _named;
    private readonly StateTexts _state;
    private readonly List<Piece> _pieces = [];
    private readonly ByteQueue _bytes = new();
    private int _serial;
    private bool _isInBlock;
    private Course _course;
    private bool _mayRunOnce;

    private Script(int client, Dice dice, ScriptScope scope)
    {
        _client = client;
        this.dice = dice;
        _scope = scope;
        _names = new NamedStatements(dice);
        _state = new StateTexts(dice, scope.State, scope.Version, () => Token);
        _named = new NamedPipeline(dice, _names, _bytes, () => Token, scope.MayDiscard, scope.IsFast);
    }

    internal static IReadOnlyList<Piece> Make(int client, Dice dice, ScriptScope scope, int items)
    {
        var script = new Script(client, dice, scope);
        for (var i = 0; i < items; i++) script.AddItem();
        return script._pieces;
    }

    private string Token => $"#{_client}.{++_serial}";

    private void Cut(Pace pace)
    {
        if (_bytes.Count == 0) return;
        _pieces.Add(new Piece(_bytes.ToArray(), pace));
        _bytes.Clear();
    }

    private void AddItem()
    {
        if (_scope.Mode == PoolMode.Statement || dice.Percent(70))
        {
            AddWork();
            return;
        }
        var isAlone = Ask("begin");
        (_isInBlock, _course) = (true, isAlone ? Course.Good : Course.Unknown);
        for (var i = dice.Between(1, 3); i > 0; i--) AddWork();
        Ask(dice.OneIn(3) ? "rollback" : "commit");
        (_isInBlock, _course) = (false, Course.Good);
    }

    /// <returns>True: nothing else goes along with it that may fail.</returns>
    private bool Ask(string text)
    {
        var isAlone = dice.Percent(80);
        if (isAlone) _bytes.Add(Wire.Query(text));
        else AddExtended(text);
        Cut(PaceOfNext);
        return isAlone;
    }

    private Pace PaceOfNext => dice.OneIn(4) ? Pace.AtOnce : Pace.Replies;

    private void AddWork()
    {
        if (_scope.HasNames && dice.Percent(45))
        {
            AddNamed();
            return;
        }
        if (_isInBlock) _course = Course.Unknown; // Some of what follows fails.
        if (_scope.State != StateScope.Basic && dice.Percent(75))
        {
            AddState();
            return;
        }
        switch (dice.Below(17))
        {
            case 0 or 1 or 2: Ask(Select()); break;
            case 3:
                _bytes.Add(Wire.Query(string.Join(';', Enumerable.Range(0, dice.Between(0, 4)).Select(_ => Statement()))));
                Cut(PaceOfNext);
                break;
            case 4 or 5: AddPipeline(); break;
            case 6: CopyInSimple(); break;
            case 7: CopyInExtended(); break;
            case 8: Ask($"copyout {Token} {dice.Below(20)} {Size}"); break;
            case 9 or 10: Ask(SetStatement()); break;
            case 11: Ask($"show {Token}"); break;
            case 12: Ask(_scope.IsFast ? Select() : $"slow {Token}"); break;
            case 13: Ask($"fail {Token}"); break;
            case 14: CallFunction(); break;
            case 15: FlushInPipeline(); break;
            case 16: CopyGivenUp(); break;
        }
    }

    /// <summary>Something that outlives its transaction, or its end, or a look at all of it.</summary>
    private void AddState()
    {
        var carriesAll = _scope.State >= StateScope.Kept;
        switch (dice.Below(18))
        {
            case 0 or 1 or 2 or 3: Ask(_state.Set(_isInBlock)); break;
            case 4 or 5: AskAlone(_state.Reset()); break;
            case 6 when !_isInBlock:
                AskAlone("discard all");
                _names.Dropped(Course.Good);
                break;
            case 6 or 7 when _isInBlock: Ask(_state.Savepoint()); break;
            case 7 or 8: Ask(_state.Role()); break;
            case 9: Ask(_state.Hidden()); break;
            case 10 or 11 when carriesAll: Ask(_state.Prepared()); break;
            case 12 when carriesAll && dice.OneIn(2) && !_isInBlock: AskAlone(_state.Pinning()); break;
            case 13 when carriesAll && dice.OneIn(4): SetByParameter(); break;
            case 14:
                _bytes.Add(Wire.Query(string.Join(';', Enumerable.Range(0, dice.Between(1, 4)).Select(_ => StateStatement()))));
                Cut(PaceOfNext);
                break;
            default: Ask($"show {Token}"); break;
        }
    }

    private string StateStatement() => dice.Below(5) switch
    {
        0 => $"show {Token}",
        1 => Statement(),
        2 when _scope.State >= StateScope.Kept => _state.Prepared(),
        _ => _state.Set(_isInBlock),
    };

    /// <summary>All of its message, or of what ends with its Sync.</summary>
    private void AskAlone(string text)
    {
        if (dice.Percent(60)) _bytes.Add(Wire.Query(text));
        else _bytes.Add([.. Wire.Parse("", text), .. Wire.Bind("", "", Token), .. Wire.Execute(), .. Wire.Sync]);
        // Where unnamed statements are the client's own affair, the SET behind a RESET drops it.
        _mayRunOnce |= _scope.State == StateScope.OwnSession;
        Cut(PaceOfNext);
    }

    /// <summary>The text does not tell which variable it sets.</summary>
    private void SetByParameter()
    {
        _bytes.Add(Wire.Parse("", "select set_config($1,'by parameter',false)"));
        _bytes.Add(Wire.Bind("", "", "app.p" + Token));
        _bytes.Add(Wire.Execute());
        _bytes.Add(Wire.Sync);
        Cut(PaceOfNext);
    }

    private void AddNamed()
    {
        if (!_isInBlock && dice.OneIn(40))
        {
            _bytes.Add(Wire.Query("/**/deallocate all")); // It does not look like it: only its tag tells.
            _names.Dropped(Course.Good);
            Cut(Pace.Replies);
            return;
        }
        if (_names.HasAny && dice.OneIn(6) && _names.Any() is var (name, text)
            && text.StartsWith("copyin", StringComparison.Ordinal))
        {
            CopyInExtended(name);
            if (_isInBlock) _course = Course.Unknown;
            return;
        }
        if (dice.OneIn(5))
        {
            BindLate();
            return;
        }
        var course = _named.Write(_course, _isInBlock, () => Cut(Pace.AtOnce));
        Cut(PaceOfNext);
        if (_isInBlock && course != Course.Good) _course = Course.Unknown;
    }

    /// <summary>The unnamed statement of some time ago: it may have been prepared on another server, or be gone.</summary>
    private void BindLate()
    {
        if (_mayRunOnce)
        {
            _bytes.Add(Wire.Query(Select()));
            Cut(Pace.Replies);
            _mayRunOnce = false;
        }
        if (dice.OneIn(3)) _bytes.Add(Wire.Describe('S', ""));
        _bytes.Add(Wire.Bind("", "", Token));
        _bytes.Add(Wire.Execute("", 0));
        if (dice.OneIn(6)) _bytes.Add(Wire.Close('S', ""));
        _bytes.Add(Wire.Typed('S'));
        Cut(PaceOfNext);
        if (_isInBlock) _course = Course.Unknown;
    }

    private int Size => dice.OneIn(12) ? dice.Below(6_000) : dice.Below(80);

    private string Select() => $"select {Token} {dice.Below(12)} {Size}";

    private string SetStatement() => dice.Below(5) switch
    {
        0 => "set DateStyle=" + SqlText.Literal(dice.Of(DateStyles)),
        1 => "set timezone='zone " + dice.Below(3) + "'",
        2 => "set client_encoding=bogus",
        3 => "set IntervalStyle=iso_8601",
        _ => "set application_name=" + SqlText.Literal(dice.Of(Values)),
    };

    private string Statement() => dice.Below(6) switch
    {
        0 => SetStatement(),
        1 => $"show {Token}",
        2 => $"notice {Token}",
        3 => $"fail {Token}",
        _ => Select(),
    };

    private void AddPipeline()
    {
        for (var i = dice.Between(1, 4); i > 0; i--)
        {
            AddExtended(dice.OneIn(6) ? $"bad {Token}" : dice.OneIn(5) ? Statement() : Select());
            if (dice.OneIn(3)) Cut(PaceOfNext);
        }
        Cut(PaceOfNext);
    }

    /// <summary>
    /// One or more requests up to a Sync. Between them may stand replies.
    /// </summary>
    private void AddExtended(string text)
    {
        _mayRunOnce |= text.StartsWith("slow", StringComparison.Ordinal); // Its outcome is that of its token.
        for (var i = dice.OneIn(4) ? 2 : 1; i > 0; i--)
        {
            var portal = dice.OneIn(4) ? "p" : "";
            _bytes.Add(Wire.Parse("", text));
            if (dice.OneIn(4)) _bytes.Add(Wire.Describe('S', ""));
            _bytes.Add(Wire.Bind(portal, "", Token));
            if (dice.OneIn(3)) _bytes.Add(Wire.Describe('P', portal));
            _bytes.Add(Wire.Execute(portal, dice.OneIn(5) ? 3 : 0));
            if (dice.OneIn(6)) _bytes.Add(Wire.Close('P', portal));
            if (dice.OneIn(6)) _bytes.Add(Wire.Execute(portal, 0));
            text = Select();
        }
        _bytes.Add(Wire.Typed('S'));
    }

    private void FlushInPipeline()
    {
        _bytes.Add(Wire.Parse("", Select()));
        _bytes.Add(Wire.Typed('H'));
        Cut(Pace.AtOnce);
        _bytes.Add(Wire.Bind("", "", Token));
        _bytes.Add(Wire.Execute("", 0));
        _bytes.Add(Wire.Typed('H'));
        _bytes.Add(Wire.Typed('S'));
        if (dice.OneIn(3)) _bytes.Add(Wire.Typed('H'));
        Cut(PaceOfNext);
    }

    private void CallFunction()
    {
        var argument = Wire.Raw(Token);
        _bytes.Add(Wire.Typed('F', [.. Wire.Int32(42), 0, 0, 0, 1, .. Wire.Int32(argument.Length), .. argument, 0, 0]));
        Cut(PaceOfNext);
    }

    private void CopyInSimple()
    {
        _bytes.Add(Wire.Query(dice.OneIn(5) ? $"copyearly {Token}" : $"copyin {Token} {BadAt}"));
        Cut(PaceBeforeData);
        AddCopyData();
        Cut(Pace.Replies);
    }

    /// <param name="name">Of a statement that is prepared; empty: one made for the purpose.</param>
    private void CopyInExtended(string name = "")
    {
        _mayRunOnce |= name.Length == 0;
        if (name.Length == 0) _bytes.Add(Wire.Parse("", dice.OneIn(3) ? $"copyearly {Token}" : $"copyin {Token} {BadAt}"));
        _bytes.Add(Wire.Bind("", name, Token));
        _bytes.Add(Wire.Execute("", 0));
        var syncsEarly = dice.OneIn(2);
        if (syncsEarly) _bytes.Add(Wire.Typed('S'));
        else _bytes.Add(Wire.Typed('H'));
        Cut(syncsEarly ? PaceBeforeData : Pace.AtOnce);
        AddCopyData();
        _bytes.Add(Wire.Typed('S'));
        Cut(Pace.Replies);
    }

    /// <summary>
    /// The server cannot digest the data, and the client goes on with something else without a word about the end.
    /// </summary>
    private void CopyGivenUp()
    {
        var isExtended = dice.OneIn(2);
        var syncsEarly = isExtended && dice.OneIn(2);
        _mayRunOnce |= isExtended;
        if (isExtended)
        {
            _bytes.Add(Wire.Parse("", $"copyin {Token} 1"));
            _bytes.Add(Wire.Bind("", "", Token));
            _bytes.Add(Wire.Execute("", 0));
            _bytes.Add(Wire.Typed(syncsEarly ? 'S' : 'H'));
        }
        else
        {
            _bytes.Add(Wire.Query($"copyin {Token} 1"));
        }
        Cut(isExtended && !syncsEarly ? Pace.AtOnce : PaceBeforeData); // A Flush brings no ReadyForQuery to wait for.
        for (var i = dice.Between(1, 3); i > 0; i--) _bytes.Add(Wire.Typed('d', Wire.Raw(Token + new string('c', Size))));
        if (isExtended)
        {
            Cut(Pace.Error);
            _bytes.Add(Wire.Typed('S'));
        }
        Cut(Pace.Replies);
    }

    private int BadAt => dice.OneIn(4) ? dice.Between(1, 3) : 0;

    private Pace PaceBeforeData => dice.OneIn(3) ? Pace.AtOnce : Pace.CopyIn;

    private void AddCopyData()
    {
        for (var i = dice.Below(5); i > 0; i--)
        {
            _bytes.Add(Wire.Typed('d', Wire.Raw(Token + new string('c', Size))));
            if (dice.OneIn(3)) Cut(Pace.AtOnce);
        }
        if (dice.OneIn(4)) _bytes.Add(Wire.Typed('f', Wire.Strings($"{Token} gives up")));
        else _bytes.Add(Wire.Typed('c'));
    }
}
