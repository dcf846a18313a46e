using System.Security.Cryptography;

namespace FastPool.Core.Auth;

/// <summary>
/// The iterations that make SCRAM keys out of a password: milliseconds, or whole seconds where a peer chose their number. Asked
/// for by a login, worked out by a thread that no traffic waits for, and then the login's again. One side at a time has it.
/// </summary>
/// <param name="password">As it was given or configured; wiped when the keys are there.</param>
public sealed class KeyDerivation(byte[] password, byte[] salt, int iterations)
{
    private volatile bool _isAbandoned;

    public byte[] Salt => salt;

    public int Iterations => iterations;

    /// <summary>The result; null before it is there, after it was given up, and after a failure.</summary>
    public ScramKeys? Keys { get; private set; }

    /// <summary>Its login has ended: the result is not wanted any more. Any thread.</summary>
    public void Abandon() => _isAbandoned = true;

    /// <summary>Takes as long as it takes.</summary>
    public void Run()
    {
        if (!_isAbandoned) Keys = ScramKeys.FromPassword(password, salt, iterations);
        CryptographicOperations.ZeroMemory(password);
    }
}
