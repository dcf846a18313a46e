using FastPool.Core.Settings;

namespace FastPool.Core.Sessions;

/// <summary>
/// A server login's wish for a password that does not stand in the configuration. Asked for by the login, answered elsewhere, and
/// then the login's again. One side at a time has it.
/// </summary>
public sealed class PasswordRequest(PasswordSource source)
{
    private volatile bool _isAbandoned;

    public PasswordSource Source => source;

    /// <summary>There is an answer.</summary>
    public bool IsOver { get; private set; }

    /// <summary>As one char a byte; empty before the answer, and when there is none.</summary>
    public string Password { get; private set; } = "";

    /// <summary>The reason if there is none, without a secret; null: there is one.</summary>
    public string? Problem { get; private set; }

    /// <summary>It was asked for after this login wanted it; else an earlier login had it already.</summary>
    public bool IsFresh { get; private set; }

    /// <summary>Its login has ended: the answer is not wanted any more. Any thread.</summary>
    public bool IsAbandoned => _isAbandoned;

    /// <inheritdoc cref="IsAbandoned"/>
    public void Abandon() => _isAbandoned = true;

    public void Answer(string password, bool isFresh) => (Password, IsFresh, IsOver) = (password, isFresh, true);

    public void Fail(string problem) => (Problem, IsFresh, IsOver) = (problem, true, true);
}
