namespace FastPool.Core.Settings;

/// <summary>
/// The kinds of the secrets of real users, from a sample of them: a made-up name is asked what most of them are asked, so that
/// the question does not betray it.
/// </summary>
/// <param name="Plain">How many are plain passwords.</param>
/// <param name="Md5">How many are MD5 digests.</param>
/// <param name="Scram">How many are SCRAM verifiers.</param>
/// <param name="Iterations">Those of most verifiers; 0: there are none.</param>
/// <param name="SaltLength">That of those verifiers, in bytes.</param>
public sealed record SecretKinds(int Plain, int Md5, int Scram, int Iterations, int SaltLength)
{
    /// <summary>So many are looked at.</summary>
    public const int SampleMax = 256;

    public static SecretKinds Of(IEnumerable<Secret> sample)
    {
        int plain = 0, md5 = 0, scram = 0;
        var shapes = new Dictionary<(int Iterations, int SaltLength), int>();
        foreach (var secret in sample)
        {
            switch (secret.Kind)
            {
                case SecretKind.Plain: plain++; break;
                case SecretKind.Md5: md5++; break;
                case SecretKind.Scram:
                    scram++;
                    var shape = (secret.Iterations, secret.Salt.Length);
                    shapes[shape] = shapes.GetValueOrDefault(shape) + 1;
                    break;
            }
        }

        var (iterations, saltLength) = shapes.Count == 0 ? (0, 0)
            : shapes.OrderByDescending(static shape => shape.Value).ThenBy(static shape => shape.Key).First().Key;
        return new SecretKinds(plain, md5, scram, iterations, saltLength);
    }

    /// <summary>Whether a made-up name is asked for SCRAM where those with verifiers are, and others for MD5.</summary>
    /// <param name="share">A number below 1 that is always the name's.</param>
    public bool IsAskedForScram(double share) => share * (Plain + Md5 + Scram) < Scram;

    /// <summary>
    /// Whether its salt and iterations look like those of a verifier that is kept, and not like those of a plain password.
    /// </summary>
    /// <inheritdoc cref="IsAskedForScram"/>
    public bool HasVerifier(double share) => share * (Plain + Scram) < Scram;
}
