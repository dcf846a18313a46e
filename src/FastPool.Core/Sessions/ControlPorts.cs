namespace FastPool.Core.Sessions;

/// <summary>The admin console, as a loop sees it: it takes a query and answers later, from any thread.</summary>
public interface IConsole
{
    /// <summary>What a client of the console is welcomed with, ReadyForQuery included.</summary>
    byte[] Welcome(ClientSession client);

    /// <summary>The error for a message other than Query, ReadyForQuery included; the client is disconnected after it.</summary>
    byte[] RefuseMessage(byte type);

    /// <summary>Runs the query text of a console client; exactly one of the reply's methods follows, now or later.</summary>
    void Execute(ClientSession client, string query, IConsoleReply reply);

    /// <summary>The client is gone; what it waits for need not be answered.</summary>
    void Forget(ClientSession client);
}

/// <summary>Where an answer of the console goes. Any thread.</summary>
public interface IConsoleReply
{
    /// <summary>Messages for the client, ReadyForQuery included.</summary>
    void Answer(ReadOnlyMemory<byte> messages);

    /// <summary>Disconnects the client with the reason as FATAL.</summary>
    void Disconnect(string reason);
}

/// <summary>The loops, as the control plane sees them: work is posted, nothing is touched from outside.</summary>
public interface ILoops
{
    int Count { get; }

    /// <summary>Runs the action on the loop's own thread, soon.</summary>
    void Post(int loop, Action<ILoopView> action);
}

/// <summary>A loop's connections, on its own thread.</summary>
public interface ILoopView
{
    int Loop { get; }

    long NowUs { get; }

    IReadOnlyList<ClientSession> Clients { get; }

    IReadOnlyList<ServerSession> Servers { get; }

    /// <summary>Disconnects the client; the message is sent as FATAL.</summary>
    void Close(ClientSession client, string reason);

    void Close(ServerSession server, string reason);
}
