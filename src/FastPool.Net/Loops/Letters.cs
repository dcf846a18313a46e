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

internal sealed class EffectLetter(PoolEffect effect, Action<Loop, PoolEffect> run) : LoopLetter
{
    internal override void Run(Loop loop) => run(loop, effect);

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
