using FastPool.Core.Sessions;

namespace FastPool.Tests.Harness;

/// <summary>The transport of a session without a socket: says what a test wants, and notes what it hears.</summary>
internal sealed class FakeEnd : IServerEnd
{
    /// <summary>The other end of the link.</summary>
    public ILinkEnd? Other { get; private set; }

    public bool IsMidMessage { get; set; }
    public bool HasSentAll { get; set; } = true;
    public int Descriptor { get; init; }
    public string Tls { get; init; } = "";
    public BufferView Buffer { get; init; }

    /// <summary>How the last link ended; null: none has.</summary>
    public string? LastEnd { get; private set; }

    public void Join(ILinkEnd other) => Other = other;

    public void Part() => Other = null;

    /// <summary>How often a question was due.</summary>
    public int Asked { get; private set; }

    public void Ask() => Asked++;

    public void OnBusy()
    {
    }

    /// <summary>How often a listening connection was to take over.</summary>
    public int Unlistened { get; private set; }

    public void Unlisten() => Unlistened++;

    public void OnReleased(ILinkEnd client) => LastEnd = "released";

    public void OnClientGone(string? reason, bool isCutShort) =>
        LastEnd = (reason ?? "released") + (isCutShort ? ", cut short" : "");

    public void OnAbandoned(bool runsQuery, string reason) => LastEnd = runsQuery ? "abandoned, runs a query" : "abandoned";
}
