using System.Buffers.Binary;
using FastPool.Core.Auth;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Clients;

/// <summary>What a client that knows its password answers to each request for it.</summary>
internal sealed class LoginAnswers(string user)
{
    private ScramClientExchange? _scram;

    /// <param name="body">Of an authentication request.</param>
    internal void Answer(byte[] body, ByteQueue output)
    {
        var password = FakeCluster.PasswordOf(user);
        switch (BinaryPrimitives.ReadInt32BigEndian(body))
        {
            case 3: output.Message('p', password); break;
            case 5:
                var stored = Md5Password.Store(Wire.Latin1(password), Wire.Latin1(user));
                output.Message('p', [.. Md5Password.Respond(stored, body.AsSpan(4)), 0]);
                break;
            case 10:
                _scram = new ScramClientExchange(new byte[18]);
                var first = _scram.ClientFirst();
                output.Message('p', [.. Wire.Strings("SCRAM-SHA-256"), .. Wire.Int32(first.Length), .. first]);
                break;
            case 11:
                if (!_scram!.TryTakeServerFirst(body.AsSpan(4))) throw new SimulationException("the pooler's salt is wrong");
                output.Message('p',
                    _scram.ClientFinal(ScramKeys.FromPassword(Wire.Latin1(password), _scram.Salt, _scram.Iterations)));
                break;
            case 12:
                if (!_scram!.CheckServerFinal(body.AsSpan(4), out _))
                    throw new SimulationException("the pooler's signature is wrong");
                break;
        }
    }
}
