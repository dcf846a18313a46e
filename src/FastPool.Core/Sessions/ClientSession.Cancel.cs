using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// A request that was canceled before it had a server. It never happened: no server hears of any of its messages, those that
/// have yet to come included. It ends where PostgreSQL would end it: a query with itself, everything else with its Sync.
/// </summary>
public sealed partial class ClientSession
{
    /// <summary>How far the canceled request is read past.</summary>
    public CanceledRequest Canceled { get; private set; }

    public bool IsReadingPast => Canceled != CanceledRequest.None;

    /// <summary>The request is canceled.</summary>
    /// <param name="type">Of its first message that wants a server.</param>
    /// <returns>False: it asked for nothing that could be canceled, so there is no error.</returns>
    public bool BeginReadingPast(byte type)
    {
        Canceled = CanceledRequest.Begin;
        return type != FrontendMessage.Sync;
    }

    /// <summary>A message begins while a canceled request is read past.</summary>
    /// <returns>False: that is no message to read past, and is judged as any other.</returns>
    public bool ReadsPast(byte type)
    {
        switch (type)
        {
            case FrontendMessage.Sync:
                Canceled = CanceledRequest.LastMessage;
                return true;
            case FrontendMessage.Query:
            case FrontendMessage.FunctionCall:
                if (Canceled == CanceledRequest.Begin) Canceled = CanceledRequest.LastMessage;
                return true;
            case FrontendMessage.Parse:
            case FrontendMessage.Bind:
            case FrontendMessage.Describe:
            case FrontendMessage.Execute:
            case FrontendMessage.Close:
                Canceled = CanceledRequest.Segment;
                return true;
            case FrontendMessage.Flush: // It begins nothing.
            case FrontendMessage.CopyData:
            case FrontendMessage.CopyDone:
            case FrontendMessage.CopyFail:
                return true;
            default:
                return false;
        }
    }

    /// <summary>As in another process.</summary>
    public void GoOnReadingPast(CanceledRequest canceled) => Canceled = canceled;

    public void EndReadingPast() => Canceled = CanceledRequest.None;
}
