namespace FastPool.Compat.Harness;

/// <summary>The ways in that the tests of TLS use beside Npgsql: psql and openssl s_client.</summary>
internal static class TlsClients
{
    /// <summary>Certificate, key and mode of the client side.</summary>
    public static void OfferTls(this PoolerFile file, Certificates certificates, string mode, string certificate = "server")
    {
        file["client_tls_sslmode"] = mode;
        file["client_tls_cert_file"] = certificates.Certificate(certificate);
        file["client_tls_key_file"] = certificates.Key(certificate);
        file["client_tls_ca_file"] = certificates.Authority;
    }

    /// <summary>One statement by psql.</summary>
    /// <param name="options">Of the connection string, as sslmode=require.</param>
    public static async Task<(int ExitCode, string Text)> PsqlAsync(this Pooler pooler, string options,
        string sql = "select 'in'", string user = "user_trust", string database = Postgres.Database) =>
        await Child.RunAsync(
            Machine.Program("psql"),
            ["-X", "-At", "-d",
                $"host=127.0.0.1 port={pooler.Port} dbname={database} user={user} connect_timeout=10 gssencmode=disable {options}", "-c", sql],
            ("PGPASSWORD", Postgres.Password));

    /// <summary>A handshake by openssl after SSLRequest, then the end of input.</summary>
    public static async Task<string> SClientAsync(int port, params string[] more) =>
        (await Child.RunAsync("sh",
            ["-c", "exec openssl s_client -connect \"$@\" </dev/null", "sh", $"127.0.0.1:{port}", "-starttls", "postgres",
            .. more])).Text;
}
