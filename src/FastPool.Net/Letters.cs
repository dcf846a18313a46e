using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Net;

/// <summary>Work for another loop, off the way of a transaction.</summary>
internal abstract class LoopLetter : Letter
{
    internal abstract void Run(Loop loop);
}

internal sealed class ActionLetter(Action<Loop> action) : LoopLetter
{
    internal override void Run(Loop loop) => action(loop);
}

internal sealed class EffectLetter(PoolEffect effect, Action<Loop, PoolEffect> run) : LoopLetter
{
    internal override void Run(Loop loop) => run(loop, effect);
}

/// <summary>An answer of the console on its way to the client's loop.</summary>
internal sealed class ConsoleReply(Loop loop, ClientConnection client) : IConsoleReply
{
    public void Part(ReadOnlyMemory<byte> messages) => Say(() => client.Send(messages.Span));

    public void Answer(ReadOnlyMemory<byte> messages) => Say(() => client.OnConsoleAnswer(messages.Span));

    public void Send(IReadOnlyList<DescriptorMessage> messages) => Say(() => client.SendDescriptors(messages));

    private void Say(Action say) => loop.Post(new ActionLetter(_ => client.InOrder(say)));

    public void Disconnect(string reason) => loop.Post(new ActionLetter(_ => client.Disconnect(Ending.Told(reason))));
}
