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
    private bool _isRestoreRun; // By the extended protocol: the command has been executed.
    private bool _isRestoreNext;
    private int _restoresUnderWay;

    /// <param name="isWhole">False: nothing can be put behind it.</param>
    private void LookForReset(ReadOnlySpan<byte> text, bool isWhole)
    {
        _isRestoreRun = false;
        _restore = null;
        if (Client!.AtLogin is not { } own || !isWhole || SessionUse.ResetIn(text) is not { } name) return;
        var isAll = name == SessionUse.All;
        var tracked = SetBatch.Restore(Context.Tracked, own, Encoding.Latin1.GetBytes(name), isAll);
        var settings = Client.SettingsAtLogin?.Restore(name, isAll, hasRole: SessionUse.IsDiscard(text));
        _restore = tracked is null ? settings : tracked + settings;
    }

    /// <summary>The client binds a statement that it has prepared before.</summary>
    /// <param name="text">Its own, with a NUL behind it.</param>
    internal void LookForResetOf(ReadOnlySpan<byte> text)
    {
        if (SessionUse.ResetIn(text) is not null) LookForReset(text, isWhole: true);
    }

    /// <returns>True: <see cref="WriteBehind"/> has the batch, which must go out right behind the message.</returns>
    private bool BeginRestore()
    {
        if (_restore is null) return false;
        Outstanding.Add(FrontendMessage.Query, ReplyAction.Swallow, null, RequestKind.Own);
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
        Outstanding is { IsEmpty: false, Head: { Type: FrontendMessage.Query, Kind: RequestKind.Own } }
            && type is BackendMessage.CommandComplete or BackendMessage.ErrorResponse or BackendMessage.NoticeResponse
                or BackendMessage.RowDescription;

    private void EndRestore()
    {
        _restoresUnderWay--;
        ForgetUnnamed();
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
