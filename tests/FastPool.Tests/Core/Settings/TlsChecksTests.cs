namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class TlsChecksTests
{
    private const string Files = "client_tls_key_file=k\nclient_tls_cert_file=c\n";
    private const string NotFull = "auth_type=cert requires client_tls_sslmode=SSLMODE_VERIFY_FULL";
    private const string NoFiles =
        "To allow TLS connections from clients, client_tls_key_file and client_tls_cert_file must be set.";

    private const string WeakDirect = "server_tls_sslmode prefer may not be used with server_tls_sslnegotiation direct";

    [Theory]
    [InlineData("", null)]
    [InlineData("client_tls_sslmode=allow", NoFiles)]
    [InlineData("client_tls_sslmode=allow\nclient_tls_key_file=k", NoFiles)]
    [InlineData(Files + "client_tls_sslmode=require", null)]
    [InlineData(Files + "client_tls_sslmode=verify-ca", null)]
    [InlineData(Files + "client_tls_sslmode=verify-full", "client_tls_sslmode requires client_tls_ca_file")]
    [InlineData(Files + "client_tls_sslmode=verify-full\nclient_tls_ca_file=a", null)]
    [InlineData("auth_type=cert", NotFull)]
    [InlineData(Files + "auth_type=cert\nclient_tls_sslmode=verify-ca", NotFull)]
    [InlineData(Files + "auth_type=cert\nclient_tls_sslmode=verify-full", "auth_type=cert requires client_tls_ca_file")]
    [InlineData("server_tls_protocols=legacy", "invalid server_tls_protocols: legacy")]
    [InlineData("server_tls_protocols=legacy\nserver_tls_sslmode=disable", null)]
    [InlineData("client_tls_protocols=x\nclient_tls_dheparams=x", null)]
    [InlineData(Files + "client_tls_sslmode=allow\nclient_tls_protocols=x", "invalid client_tls_protocols: x")]
    [InlineData(Files + "client_tls_sslmode=allow\nclient_tls_dheparams=legacy", "invalid client_tls_dheparams: legacy")]
    [InlineData(Files + "client_tls_sslmode=allow\nclient_tls_dheparams=NONE", null)]
    [InlineData("[databases]\nd = server_tls_sslnegotiation=direct server_tls_sslmode=require", null)]
    [InlineData("[databases]\nd = server_tls_sslnegotiation=direct server_tls_sslmode=disable", null)]
    [InlineData("[databases]\nd = server_tls_sslnegotiation=direct", WeakDirect)]
    [InlineData("[databases]\n* = server_tls_sslnegotiation=direct", WeakDirect)]
    [InlineData("[users]\nu = server_tls_sslnegotiation=direct", WeakDirect)]
    [InlineData("[fastpool]\nserver_tls_sslnegotiation=direct", WeakDirect)]
    [InlineData("server_tls_sslmode=require\n[fastpool]\nserver_tls_sslnegotiation=direct", null)]
    [InlineData("server_tls_sslmode=require\n[databases]\nd = server_tls_sslnegotiation=direct server_tls_sslmode=prefer", WeakDirect)]
    public void Settings_have_to_go_together(string lines, string? error)
    {
        var settings = Loading.Good("[pgbouncer]\n" + lines);
        Assert.Equal(error is null ? null : LogText.Error(error), TlsChecks.Check(settings));
    }

    [Theory]
    [InlineData("", TlsProtocols.Secure)]
    [InlineData("secure", TlsProtocols.Secure)]
    [InlineData("Default", TlsProtocols.Secure)]
    [InlineData("all", TlsProtocols.All)]
    [InlineData("tlsv1", TlsProtocols.All)]
    [InlineData("tlsv1.0", TlsProtocols.Tls10)]
    [InlineData("TLSv1.2, tlsv1.3", TlsProtocols.Secure)]
    [InlineData("tlsv1.1:tlsv1.2", TlsProtocols.Tls11 | TlsProtocols.Tls12)]
    [InlineData("!tlsv1.0", TlsProtocols.All & ~TlsProtocols.Tls10)]
    [InlineData("secure,!tlsv1.3", TlsProtocols.Tls12)]
    [InlineData("tlsv1.3,!tlsv1.2", TlsProtocols.Tls13)]
    public void Protocols_are_a_list(string text, TlsProtocols protocols)
    {
        Assert.True(TlsProtocolList.TryParse(text, out var parsed));
        Assert.Equal(protocols, parsed);
    }

    [Theory]
    [InlineData("tlsv1.2 , tlsv1.3")]
    [InlineData("tlsv1.2,")]
    [InlineData(",")]
    [InlineData("!")]
    [InlineData("legacy")]
    [InlineData("tlsv1.4")]
    [InlineData("a-very-long-word")]
    public void Other_words_are_no_protocols(string text) => Assert.False(TlsProtocolList.TryParse(text, out _));
}
