using System.Text;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// RESET and DISCARD ALL bring back what the client has given at its login. The server only knows its own login: so right behind
/// such a command goes a SET of the pooler's, of which the client sees the values alone.
/// </summary>
public sealed partial class ServerSession
{
    private string? _restore; // The batch that belongs behind the last command looked at; null: none does.
    private bool _isResetInDoubt;
    private List<string>? _namesInDoubt;
    private bool _isRestoreRun; // By the extended protocol: the command has been executed.
    private bool _isRestoreNext;
    private int _restoresUnderWay;

    /// <param name="isWhole">False: nothing can be put behind it.</param>
    private void LookForReset(byte type, ReadOnlySpan<byte> text, bool isWhole)
    {
        var hasQuery = type == FrontendMessage.Query;
        if (hasQuery || !_isRestoreRun) (_restore, _isRestoreRun, _isResetInDoubt) = (null, false, false);
        if (Client!.AtLogin is not { } own || !isWhole) return;
        if (SessionUse.ResetsIn(text, hasQuery, out var isAlone) is not { } names) return;
        if (!hasQuery || !isAlone)
        {
            RestoreInDoubt(own, names);
            return;
        }
        var isAll = names[0] == SessionUse.All;
        var tracked = SetBatch.Restore(Context.Tracked, own, Encoding.Latin1.GetBytes(names[0]), isAll);
        var settings = Client.SettingsAtLogin?.Restore(names[0], isAll, hasRole: names.Contains(SetBatch.Role));
        _restore = tracked is null ? settings : tracked + settings;
    }

    /// <summary>
    /// A reset in a segment, or among other commands: their failure, or what they set, decides what is to be brought back.
    /// </summary>
    private void RestoreInDoubt(ParameterValues own, List<string> names)
    {
        _isResetInDoubt = true;
        if (_restore is not null && _namesInDoubt is { } before) names.AddRange(before); // It stands before it in the segment.
        _namesInDoubt = names;
        var isAll = names.Contains(SessionUse.All);
        _restore = SetBatch.RestoreWhatIsReset(SetBatch.Calls(Context.Tracked, own, names, isAll)
            .Concat(Client!.SettingsAtLogin?.Calls(names, isAll) ?? []));
    }

    /// <summary>The client binds a statement that it has prepared before.</summary>
    /// <param name="text">Its own, with a NUL behind it.</param>
    internal void LookForResetOf(ReadOnlySpan<byte> text)
    {
        if (SessionUse.ResetsIn(text, hasQuery: false, out _) is not null)
            LookForReset(FrontendMessage.Bind, text, isWhole: true);
    }

    /// <returns>True: <see cref="WriteBehind"/> has the batch, which must go out right behind the message.</returns>
    private bool BeginRestore()
    {
        if (_restore is null) return false;
        var kind = _isResetInDoubt ? RequestKind.OwnInDoubt : RequestKind.Own;
        Outstanding.Add(FrontendMessage.Query, ReplyAction.Swallow, null, kind);
        _restoresUnderWay++;
        _wasUnnamedRight = false;
        return _isRestoreNext = true;
    }

    /// <summary>A command that has not been executed in its segment is not known to be executed at all.</summary>
    private bool BeginRestoreBehindSync() => _isRestoreRun ? BeginRestore() : ForgetRestore(isFenced: false);

    /// <returns>As it is called.</returns>
    private bool ForgetRestore(bool isFenced)
    {
        _restore = null;
        _isRestoreRun = false;
        return isFenced;
    }

    /// <summary>The messages that go out right behind the one of which <see cref="Expect"/> has said so.</summary>
    public void WriteBehind(MessageBuffer output)
    {
        if (_isRestoreNext) output.Write(new Query { Text = Encoding.Latin1.GetBytes(_restore!) });
        else output.Write(CopyTracker.Fence);
        _isRestoreNext = false;
        ForgetRestore(isFenced: false);
    }

    /// <summary>A reply to the batch at the head, which nobody but the pooler sees.</summary>
    private bool IsOfRestore(byte type) =>
        Outstanding is { IsEmpty: false, Head: { Type: FrontendMessage.Query, Kind: RequestKind.Own or RequestKind.OwnInDoubt } }
            && type is BackendMessage.CommandComplete or BackendMessage.ErrorResponse or BackendMessage.NoticeResponse
                or BackendMessage.RowDescription;

    private void EndRestore(RequestKind kind)
    {
        _restoresUnderWay--;
        ForgetUnnamed();
        if (kind == RequestKind.OwnInDoubt) TellWhatStays();
    }

    /// <summary>Some values that were reset have been set anew: the client has not heard of them yet.</summary>
    private void TellWhatStays()
    {
        if (Client is not { AtLogin: { } own } client) return;
        for (var i = 0; i < Context.Tracked.Count; i++)
        {
            if (own[i] is null || IsUnreported(i) || !client.Parameters.Differs(Parameters, i)) continue;
            var (name, value) = (Encoding.Latin1.GetBytes(Context.Tracked[i]), Encoding.Latin1.GetBytes(Parameters[i]!));
            client.Parameters = Context.Interner.With(client.Parameters, i, Parameters[i]);
            var words = new MessageBuffer();
            words.Write(new ParameterStatus { Name = name, Value = value });
            SayNext([.. words.WrittenSpan]);
        }
    }

    /// <summary>A value on its way to that of the client's login.</summary>
    /// <returns>False: the client is not to hear of it.</returns>
    private bool TakesReport(int index)
    {
        if (_restoresUnderWay == 0 || Client!.AtLogin?[index] is not { } own || !Outstanding.IsOwnQueryNext()) return true;
        if (!string.Equals(own, Parameters[index], StringComparison.OrdinalIgnoreCase)) return false;
        return !string.Equals(own, Client.Parameters[index], StringComparison.OrdinalIgnoreCase);
    }
}
