using FastPool.Io;

namespace FastPool.Tests.Harness;

/// <summary>Hears of an engine's turns.</summary>
/// <param name="isStrict">
/// True: what is thrown ends the test. False: it breaks the connection that was served, as in a loop.
/// </param>
internal sealed class TurnObserver(bool isStrict = false) : ITurnObserver
{
    public int Deliveries { get; private set; }

    public void OnThrown(string place, Exception thrown, Endpoint? served)
    {
        if (isStrict || served is null) throw thrown;
        served.OnBroken();
    }

    public void OnTurnBegun()
    {
    }

    public void OnDelivered() => Deliveries++;
}
