namespace FastPool.Compat.Harness;

/// <summary>
/// Keys and certificates of one authority, made by the openssl command once for all tests; files of the ordinary user.
/// </summary>
internal sealed class Certificates
{
    private static readonly Lazy<Task<Certificates>> Made = new(MakeAsync);

    private readonly string _folder;

    private Certificates(string folder) => _folder = folder;

    public static Task<Certificates> SharedAsync() => Made.Value;

    public string Authority => File("ca.crt");

    /// <summary>Issued by nobody known.</summary>
    public string Stranger => File("stranger.crt");

    /// <summary>
    /// The certificate of one of: server (localhost, 127.0.0.1), other (elsewhere.example), cn (common name localhost only),
    /// renewed, user_trust, expired (of user_trust), upper (USER_TRUST), alias (another name, person.example).
    /// </summary>
    public string Certificate(string name) => File(name + ".crt");

    public string Key(string name) => File(name + ".key");

    public string File(string name) => Path.Combine(_folder, name);

    private static async Task<Certificates> MakeAsync()
    {
        var made = new Certificates(Machine.NewFolder("tls"));
        await made.SelfSignedAsync("ca", "/CN=Authority of the tests", "-addext", "basicConstraints=critical,CA:TRUE");
        await made.SelfSignedAsync("stranger", "/CN=user_trust");
        await made.IssueAsync("server", "/CN=pooler", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        await made.IssueAsync("renewed", "/CN=renewed", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        await made.IssueAsync("other", "/CN=elsewhere.example", "subjectAltName=DNS:elsewhere.example");
        await made.IssueAsync("cn", "/CN=localhost", "keyUsage=digitalSignature");
        await made.IssueAsync("user_trust", "/CN=user_trust", "keyUsage=digitalSignature");
        await made.IssueAsync("upper", "/CN=USER_TRUST", "keyUsage=digitalSignature");
        await made.IssueAsync("alias", "/CN=somebody", "subjectAltName=DNS:person.example");
        await made.IssueAsync("expired", "/CN=user_trust", "keyUsage=digitalSignature", "-not_after", "20200101000000Z");
        return made;
    }

    private Task SelfSignedAsync(string name, string subject, params string[] more) =>
        OpenSslAsync(
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", Key(name), "-out", Certificate(name), "-subj", subject,
            "-days", "30", .. more]);

    private async Task IssueAsync(string name, string subject, string extension, params string[] more)
    {
        var (request, extensions) = (File(name + ".csr"), File(name + ".ext"));
        await System.IO.File.WriteAllTextAsync(extensions, extension + "\n");
        await OpenSslAsync(["req", "-newkey", "rsa:2048", "-nodes", "-keyout", Key(name), "-out", request, "-subj", subject]);
        if (more.Length == 0)
        {
            await OpenSslAsync(
                ["x509", "-req", "-in", request, "-CA", Authority, "-CAkey", Key("ca"), "-CAcreateserial", "-out",
                Certificate(name), "-extfile", extensions, "-days", "30"]);
            return;
        }
        // A time of the past is only given by the ca command, which keeps books.
        await System.IO.File.WriteAllTextAsync(File("index.txt"), "");
        await System.IO.File.WriteAllTextAsync(File("serial"), "1000\n");
        await System.IO.File.WriteAllTextAsync(File("ca.cnf"),
            $"[ca]\ndefault_ca=d\n[d]\ndatabase={File("index.txt")}\nserial={File("serial")}\nnew_certs_dir={_folder}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n");
        Give("index.txt", "serial", "ca.cnf");
        await OpenSslAsync(
            ["ca", "-batch", "-config", File("ca.cnf"), "-cert", Authority, "-keyfile", Key("ca"), "-in", request, "-out",
            Certificate(name), "-startdate", "20190101000000Z", "-enddate", more[1]]);
    }

    /// <summary>The commands run as the ordinary user, who must be able to write what we have made.</summary>
    private void Give(params string[] names)
    {
        foreach (var name in names) System.IO.File.SetUnixFileMode(File(name), (UnixFileMode)0b110_110_110);
    }

    private static async Task OpenSslAsync(params string[] arguments)
    {
        var (exit, text) = await Child.RunAsync("openssl", arguments);
        if (exit != 0)
            throw new InvalidOperationException(
            $"openssl {arguments[0]} failed (the tests need Debian's package openssl):\n{text}");
    }
}
