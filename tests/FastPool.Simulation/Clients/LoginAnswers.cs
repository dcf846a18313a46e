using System.Buffers.Binary;
using FastPool.Core.Auth;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Clients;

/// <summary>The answers of a client that knows its password to each request for it.</summary>
internal sealed class LoginAnswers(string user)
{
    private ScramClientExchange? _scram;

    /// <param name="body">Of an authentication request.</param>
    internal void Answer(byte[] body, ByteQueue output)
    {
        var password = FakeCluster.PasswordOf(user);
        switch (BinaryPrimitives.ReadInt32BigEndian(body))
        {
            case 3: output.Add(Wire.Typed('p', Wire.RawStrings(password))); break;
            case 5:
                var stored = Md5Password.Store(Wire.Raw(password), Wire.Raw(user));
                output.Add(Wire.Typed('p', [.. Md5Password.Respond(stored, body.AsSpan(4)), 0]));
                break;
            case 10:
                _scram = new ScramClientExchange(new byte[18]);
                var first = _scram.ClientFirst();
                output.Add(Wire.Typed('p', [.. Wire.Strings("SCRAM-SHA-256"), .. Wire.Int32(first.Length), .. first]));
                break;
            case 11:
                if (!_scram!.TryTakeServerFirst(body.AsSpan(4))) throw new SimulationException("the pooler's salt is wrong");
                var keys = ScramKeys.FromPassword(Wire.Raw(password), _scram.Salt, _scram.Iterations);
                output.Add(Wire.Typed('p', _scram.ClientFinal(keys)));
                break;
            case 12:
                if (!_scram!.CheckServerFinal(body.AsSpan(4), out _))
                    throw new SimulationException("the pooler's signature is wrong");
                break;
        }
    }
}
