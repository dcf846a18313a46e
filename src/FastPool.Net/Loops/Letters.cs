using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Io;

namespace FastPool.Net;

/// <summary>Work for another loop, off the way of a transaction.</summary>
internal abstract class LoopLetter : Letter
{
    internal abstract void Run(Loop loop);

    /// <summary>Running it has thrown.</summary>
    internal abstract void Contain(Loop loop, Exception thrown);
}

/// <param name="subject">The connection whose work it is: closed if that throws. Null: none in particular.</param>
internal sealed class ActionLetter(Action<Loop> action, Endpoint? subject = null) : LoopLetter
{
    internal override void Run(Loop loop) => action(loop);

    internal override void Contain(Loop loop, Exception thrown) => loop.Contain("a letter", thrown, subject);
}

/// <summary>Work on a client, which may have moved by the time the letter is read: then the letter follows it.</summary>
internal sealed class ClientLetter(PoolClient client, Action<Loop> action) : LoopLetter
{
    internal override void Run(Loop loop)
    {
        if (client.IsOn(loop.Index)) action(loop);
        else loop.PostTo(client.Loop, this);
    }

    internal override void Contain(Loop loop, Exception thrown) =>
        loop.Contain("a letter", thrown, client is ClientSession session ? ClientConnection.Of(session) : null);
}

/// <summary>A client comes from another loop.</summary>
internal sealed class ClientArrival(ClientConnection client) : LoopLetter
{
    internal override void Run(Loop loop)
    {
        client.ArriveAt(loop);
        loop.Shared.ClientMoves.End();
    }

    internal override void Contain(Loop loop, Exception thrown)
    {
        loop.Contain("the arrival of a client", thrown);
        loop.Try(client.EndOnTheWay);
        loop.Shared.ClientMoves.End();
    }
}

/// <param name="client">The client that it is about, which the letter follows; null: it is about none.</param>
internal sealed class EffectLetter(PoolEffect effect, Action<Loop, PoolEffect> run, PoolClient? client) : LoopLetter
{
    internal override void Run(Loop loop)
    {
        if (client is null || client.IsOn(loop.Index)) run(loop, effect);
        else loop.PostTo(client.Loop, this);
    }

    internal override void Contain(Loop loop, Exception thrown) => loop.ContainEffect(effect, thrown);
}

/// <summary>An answer of the console on its way to the client's loop.</summary>
internal sealed class ConsoleReply(Loop loop, ClientConnection client) : IConsoleReply
{
    public void Part(ReadOnlyMemory<byte> messages) => Say(() => client.OnConsolePart(messages));

    public void Answer(ReadOnlyMemory<byte> messages) => Say(() => client.OnConsoleAnswer(messages));

    public void Send(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies) =>
        Say(() => client.SendDescriptors(messages, copies), copies);

    private void Say(Action say, DescriptorCopies? copies = null) =>
        loop.Post(new ActionLetter(_ => client.InOrder(say, copies), client));

    public void Disconnect(string reason) => loop.Post(new ActionLetter(_ => client.Disconnect(Ending.Told(reason))));
}
