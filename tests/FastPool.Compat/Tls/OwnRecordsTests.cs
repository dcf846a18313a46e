using System.Diagnostics;
using System.Text;

namespace FastPool.Compat.Tls;

/// <summary>Records of the pooler's own, towards the clients there are.</summary>
public class OwnRecordsTests
{
    private const string Reason = "PgBouncer has none";

    [PoolerTheory(FastPoolOnly = Reason)]
    [Loops("own", "TLSv1.3", 1, 0)]
    [Loops("own", "TLSv1.2", 0, 1)]
    [Loops("library", "TLSv1.3", 0, 1)]
    public async Task The_setting_and_the_version_decide_and_the_console_tells(int loops, string setting, string version, int own,
        int library)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "allow");
            f.Own["tls_records"] = setting;
        });
        var (_, rows) =
            await pooler.PsqlAsync($"sslmode=require ssl_max_protocol_version={version}", "show fastpool", "admin", "pgbouncer");
        Assert.Contains($"tls_own_connections|{own}\ntls_library_connections|{library}\n", rows, StringComparison.Ordinal);
        Assert.Contains($"tls_records|{setting}\n", rows, StringComparison.Ordinal);
        await Until.TrueAsync(async () => (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows
            .Where(static row => row[0]!.StartsWith("tls_", StringComparison.Ordinal) && row[0] != "tls_records")
            .All(static row => row[1] == "0"), "who has gone does not count");
    }

    /// <summary>K: new keys for what s_client says, k: and the pooler is asked for new ones too.</summary>
    [PoolerTheory(FastPoolOnly = Reason)]
    [Loops("TLS_AES_128_GCM_SHA256")]
    [Loops("TLS_AES_256_GCM_SHA384")]
    [Loops("TLS_CHACHA20_POLY1305_SHA256")]
    public async Task Keys_change_as_often_as_OpenSSL_likes(int loops, string cipher)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "require"));
        using var client = new SClient(pooler.Port, "-tls1_3", "-ciphersuites", cipher);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "app")));
        await client.HeardAsync("Z\0\0\0\u0005I");
        foreach (var key in "kKkKKk")
        {
            await client.SendAsync([(byte)key, (byte)'\n']);
            await client.ToldAsync("KEYUPDATE");
            await client.SendAsync([.. Wire.Parse("", "select 'as before'"),
                .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync]);
            await client.HeardAsync("as before");
            await client.HeardAsync("Z\0\0\0\u0005I");
        }
        Assert.DoesNotContain("tls_sbufio_recv", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = Reason), Loops]
    public async Task Secrets_are_in_no_log_no_listing_and_no_core(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "require");
            f["verbose"] = "2";
        });
        var keyLog = Path.Combine(Machine.NewFolder("keys"), "log");
        using var client = new SClient(pooler.Port, "-tls1_3", "-keylogfile", keyLog);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "app")));
        await client.HeardAsync("Z\0\0\0\u0005I");
        var secrets = (await File.ReadAllLinesAsync(keyLog)).Where(static line => line.Contains(' ')
            && !line.StartsWith('#')).Select(static line => line.Split(' ')[^1]).ToList();
        Assert.True(secrets.Count >= 4);
        var text = new StringBuilder();
        foreach (var item in (string[])["clients", "servers", "sockets", "fds", "config", "fastpool", "mem", "loops"])
            text.Append(await pooler.OwnUserAsync("show " + item));
        await pooler.TakeOverAsync();
        text.Append(pooler.Process.Text);
        foreach (var secret in secrets) Assert.DoesNotContain(secret, text.ToString(), StringComparison.OrdinalIgnoreCase);
        // The memory that has them is left out of cores.
        Assert.Matches("VmFlags:.* dd ", await File.ReadAllTextAsync($"/proc/{pooler.Pid}/smaps"));
    }

    /// <summary>openssl s_client with a user at its keyboard.</summary>
    private sealed class SClient : IDisposable
    {
        private readonly Process _process;
        private readonly byte[] _buffer = new byte[4096];
        private string _heard = "";
        private string _told = "";

        public SClient(int port, params string[] more)
        {
            var start = new ProcessStartInfo("openssl",
                ["s_client", "-connect", $"127.0.0.1:{port}", "-starttls", "postgres", "-quiet", "-no_ign_eof", .. more])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            _process = Process.Start(start)!;
        }

        public async Task SendAsync(byte[] bytes)
        {
            await _process.StandardInput.BaseStream.WriteAsync(bytes);
            await _process.StandardInput.BaseStream.FlushAsync();
        }

        /// <summary>The pooler has said this.</summary>
        public async Task HeardAsync(string text) => _heard = await ReadAsync(_process.StandardOutput.BaseStream, _heard, text);

        /// <summary>s_client has said this itself.</summary>
        public async Task ToldAsync(string text) => _told = await ReadAsync(_process.StandardError.BaseStream, _told, text);

        private async Task<string> ReadAsync(Stream from, string before, string text)
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            int at;
            while ((at = before.IndexOf(text, StringComparison.Ordinal)) < 0)
            {
                var count = await from.ReadAsync(_buffer, soon.Token);
                Assert.True(count > 0, before);
                before += Encoding.Latin1.GetString(_buffer, 0, count);
            }
            return before[(at + text.Length)..];
        }

        public void Dispose()
        {
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
