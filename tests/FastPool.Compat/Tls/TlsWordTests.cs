
namespace FastPool.Compat.Tls;

/// <summary>Every word and form that the TLS settings take, and what each mistake is answered with, beside PgBouncer.</summary>
public class TlsWordTests
{
    [ReferenceTheory]
    [InlineData("client_tls_ciphers", "fast")]
    [InlineData("client_tls_ciphers", "secure")]
    [InlineData("client_tls_ciphers", "default")]
    [InlineData("client_tls_ciphers", "Normal")]
    [InlineData("client_tls_ciphers", "all")]
    [InlineData("client_tls_ciphers", "HIGH:!ADH:!AECDH:!LOW:!EXP:!MD5:!3DES:!SRP:!PSK:@STRENGTH")]
    [InlineData("client_tls_ciphers", "nonsense")]
    [InlineData("client_tls_protocols", "secure")]
    [InlineData("client_tls_protocols", "all")]
    [InlineData("client_tls_protocols", "default")]
    [InlineData("client_tls_protocols", "tlsv1")]
    [InlineData("client_tls_protocols", "tlsv1.2:tlsv1.3")]
    [InlineData("client_tls_protocols", "tlsv1.2, TLSv1.3")]
    [InlineData("client_tls_protocols", "all,!tlsv1.0")]
    [InlineData("client_tls_protocols", "tlsv1.4")]
    [InlineData("client_tls_protocols", "")]
    [InlineData("client_tls_dheparams", "auto")]
    [InlineData("client_tls_dheparams", "none")]
    [InlineData("client_tls_dheparams", "nonsense")]
    [InlineData("client_tls_ecdhcurve", "auto")]
    [InlineData("client_tls_ecdhcurve", "none")]
    [InlineData("client_tls_ecdhcurve", "secp384r1")]
    [InlineData("client_tls_ecdhcurve", "nonsense")]
    [InlineData("server_tls_ciphers", "fast")]
    [InlineData("server_tls_ciphers", "HIGH:!ADH:!AECDH:!LOW:!EXP:!MD5:!3DES:!SRP:!PSK:@STRENGTH")]
    [InlineData("server_tls_ciphers", "nonsense")]
    [InlineData("server_tls_protocols", "secure")]
    [InlineData("server_tls_protocols", "nonsense")]
    [InlineData("client_tls_key_file", "/dev/null")]
    [InlineData("client_tls_cert_file", "/dev/null")]
    [InlineData("client_tls_ca_file", "/dev/null")]
    [InlineData("client_tls_sslmode", "nonsense")]
    public Task A_value_is_taken_or_refused_as_in_PgBouncer(string setting, string value) => Reference.SameAsync(async program =>
    {
        var certificates = await Certificates.SharedAsync();
        var folder = Machine.NewFolder("w");
        var ini = Path.Combine(folder, "p.ini");
        var settings = new Dictionary<string, string>
        {
            ["client_tls_sslmode"] = "require",
            ["client_tls_cert_file"] = certificates.Certificate("server"),
            ["client_tls_key_file"] = certificates.Key("server"),
            ["server_tls_sslmode"] = "require",
            [setting] = value,
        };
        await File.WriteAllTextAsync(ini,
            $"[databases]\n[pgbouncer]\nunix_socket_dir = {folder}\nlisten_port = {Machine.FreePort()}\nauth_type = any\n{string.Join('\n', settings.Select(static pair => $"{pair.Key} = {pair.Value}"))}\n");
        await using var child = Child.Start(program, [ini], folder);
        await Until.TrueAsync(() =>
            child.HasExited || child.Text.Contains("process up", StringComparison.Ordinal), "it is up, or not");
        if (child.HasExited)
            return (await child.ExitAsync(),
            string.Join('\n', child.Lines.Select(static line => line[(line.IndexOf(']') + 1)..])
            .Where(static line => line.StartsWith(" ERROR", StringComparison.Ordinal)
            || line.StartsWith(" FATAL", StringComparison.Ordinal))).Replace(folder, "", StringComparison.Ordinal));
        child.Signal(Child.SigInt);
        return (await child.ExitAsync(), "up");
    });
}
