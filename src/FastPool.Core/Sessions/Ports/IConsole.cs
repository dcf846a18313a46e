using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Core.Sessions;

/// <summary>The admin console, as a loop sees it: it takes a query and answers later, from any thread.</summary>
public interface IConsole
{
    /// <summary>The welcome of a client of the console, ReadyForQuery included. After it has entered its pool.</summary>
    byte[] Welcome(ClientSession client);

    /// <summary>
    /// The error for a message other than Query, ReadyForQuery included; the client is disconnected after it, with
    /// <c>bad packet</c> as FATAL.
    /// </summary>
    byte[] RefuseMessage(ClientSession client, byte type);

    /// <summary>
    /// Runs the query text of a console client (one char a byte, without the NUL and what follows it). The reply's last
    /// method follows, now, later or, for SHUTDOWN, never. A client whose PAUSE waits may send further queries.
    /// </summary>
    void Execute(ClientSession client, string query, IConsoleReply reply);

    /// <summary>
    /// A message of the extended protocol, with console_extended on; Terminate and Query are not among them. The reply's
    /// last method follows each, perhaps with no bytes.
    /// </summary>
    void ExecuteExtended(ClientSession client, byte type, byte[] body, IConsoleReply reply);

    /// <summary>A cancel request aimed at a console client: ends what it waits for and a global PAUSE or SUSPEND.</summary>
    void Cancel(ClientSession client);

    /// <summary>The client is gone; what it waits for need not be answered.</summary>
    void Forget(ClientSession client);
}

/// <summary>Where an answer of the console goes. Any thread; without effect once the client is gone.</summary>
public interface IConsoleReply
{
    /// <summary>
    /// Messages for the client; more follow, in parts of some ten kilobytes each. The bytes are the callee's from now on.
    /// </summary>
    void Part(ReadOnlyMemory<byte> messages);

    /// <summary>The last messages for the client, ReadyForQuery included. The bytes are the callee's from now on.</summary>
    void Answer(ReadOnlyMemory<byte> messages);

    /// <summary>
    /// Messages with descriptors: each goes out by itself, and only over a Unix socket, whose reader may be slow.
    /// </summary>
    /// <param name="messages">In order.</param>
    /// <param name="copies">Their descriptors, the callee's from now on: it disposes of them when they are sent, or will not
    /// be.</param>
    void Send(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies);

    /// <summary>Disconnects the client with the reason as FATAL.</summary>
    void Disconnect(string reason);
}

/// <summary>A message that descriptors go along with: of <see cref="DescriptorCopies"/>.</summary>
public sealed record DescriptorMessage(byte[] Bytes, int[] Descriptors);
