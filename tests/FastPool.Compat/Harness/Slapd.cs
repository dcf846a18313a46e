
namespace FastPool.Compat.Harness;

/// <summary>
/// OpenLDAP's server on loopback, with a handful of people, TLS by the tests' certificates; ended with the tests.
/// </summary>
internal sealed class Slapd
{
    private static readonly Lazy<Task<Slapd>> Started = new(StartAsync);

    private Slapd(int port, int securePort) => (Port, SecurePort) = (port, securePort);

    public static Task<Slapd> SharedAsync() => Started.Value;

    public int Port { get; }

    public int SecurePort { get; }

    private static async Task<Slapd> StartAsync()
    {
        var certificates = await Certificates.SharedAsync();
        var folder = Machine.NewFolder("ldap");
        var data = Machine.NewFolder("ldapdata");
        var (configuration, people) = (Path.Combine(folder, "slapd.conf"), Path.Combine(folder, "people.ldif"));
        await File.WriteAllTextAsync(configuration, $"""
            include /etc/ldap/schema/core.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            TLSCACertificateFile {certificates.Authority}
            TLSCertificateFile {certificates.Certificate("server")}
            TLSCertificateKeyFile {certificates.Key("server")}
            database mdb
            maxsize 10485760
            suffix "dc=example"
            rootdn "cn=root,dc=example"
            rootpw rootpassword
            directory {data}

            """);
        static string Person(string ou, string name) =>
            $"dn: cn={name},ou={ou},dc=example\nobjectClass: person\nobjectClass: uidObject\ncn: {name}\nuid: {name}\nsn: {name}\nuserPassword: {Postgres.Password}\n\n";
        await File.WriteAllTextAsync(people,
            "dn: dc=example\nobjectClass: organization\nobjectClass: dcObject\no: example\ndc: example\n\n"
            + "dn: ou=people,dc=example\nobjectClass: organizationalUnit\nou: people\n\ndn: ou=twins,dc=example\nobjectClass: organizationalUnit\nou: twins\n\n"
            + Person("people", "user_plain") + Person("people", "user_scram") + Person("people", "user_md5")
                + Person("twins", "user_md5"));
        var (exit, text) = await Child.RunAsync("/usr/sbin/slapadd", ["-f", configuration, "-l", people]);
        if (exit != 0) throw new InvalidOperationException($"slapadd failed (the tests need Debian's package slapd):\n{text}");
        var slapd = new Slapd(Machine.FreePort(), Machine.FreePort());
        var child =
            Child.Start("/usr/sbin/slapd",
            ["-d", "0", "-f", configuration, "-h", $"ldap://127.0.0.1:{slapd.Port} ldaps://127.0.0.1:{slapd.SecurePort}"],
            folder);
        await Until.TrueAsync(() => Machine.IsListeningAsync(slapd.SecurePort), "slapd listens", 20, () => child.Text);
        return slapd;
    }
}
