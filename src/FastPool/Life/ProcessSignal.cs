namespace FastPool.Life;

/// <summary>The signals that mean something here, with Linux' numbers.</summary>
public enum ProcessSignal
{
    Hangup = 1,
    Interrupt = 2,
    Quit = 3,
    User1 = 10,
    User2 = 12,
    Terminate = 15,
}
