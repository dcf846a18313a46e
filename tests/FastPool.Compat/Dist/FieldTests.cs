using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FastPool.Compat.Dist;

/// <summary>
/// Configurations that distributions, images, operators and tools write: the pooler starts on each. See Field/README.md.
/// </summary>
public sealed class FieldTests
{
    private static readonly string Samples = Checkout.PathOf("tests", "FastPool.Compat", "Dist", "Field");

    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(Samples, "*.ini").Select(path => Path.GetFileNameWithoutExtension(path)!)
        .Order(StringComparer.Ordinal)];

    [PoolerTheory(Since = "1.25")]
    [MemberData(nameof(Names))]
    public async Task A_configuration_from_the_field_reaches_listening_on(string name)
    {
        var folder = Machine.NewFolder("field");
        var port = Machine.FreePort();
        foreach (var path in Directory.GetFiles(Samples, name + ".*"))
        {
            var text = File.ReadAllText(path).Replace("{folder}", folder, StringComparison.Ordinal)
                .Replace("{port}", $"{port}", StringComparison.Ordinal)
                .Replace("{user}", Checkout.UserName, StringComparison.Ordinal)
                .Replace("{host}", "127.0.0.1", StringComparison.Ordinal)
                    .Replace("{serverport}", "5432", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(folder, Path.GetFileName(path)), text);
        }

        await File.WriteAllTextAsync(Path.Combine(folder, "userlist.txt"),
            "\"postgres\" \"md5d0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5\"\n\"pgbouncer\" \"secret\"  third\n; a comment\n");
        await WriteCertificateAsync(folder);
        var lines = await Checkout.ListensAsync(Path.Combine(folder, name + ".ini"), folder);
        Assert.DoesNotContain(lines, line =>
            line.Contains(" ERROR ", StringComparison.Ordinal) || line.Contains("could not parse", StringComparison.Ordinal));
    }

    [Fact]
    public void There_are_at_least_a_dozen_of_them() => Assert.True(Names.Count >= 12, $"{Names.Count}");

    private static async Task WriteCertificateAsync(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=pooler.example.org", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(folder, "tls.crt"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(folder, "tls.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
