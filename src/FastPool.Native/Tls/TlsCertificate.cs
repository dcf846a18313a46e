using System.Net;
using System.Text;

namespace FastPool.Native;

/// <summary>The questions that we ask of a certificate (X509).</summary>
internal static unsafe class TlsCertificate
{
    private const int CommonNameNid = 13;
    private const int AltNameNid = 85;
    private const int DnsName = 2;
    private const int IpAddress = 7;
    private const uint NoPartialWildcards = 0x4;
    private const uint NeverSubject = 0x20;
    private const int HashBytesMax = 64;

    /// <summary>
    /// The certificate's hash for tls-server-end-point, by the hash of its own signature, SHA-256 in place of MD5 and SHA-1.
    /// Source: RFC 5929, 4.1.
    /// </summary>
    /// <returns>Null: its signature has no hash, so there is nothing to bind to.</returns>
    internal static byte[]? EndPointHash(nint certificate)
    {
        int digest;
        if (OpenSsl.X509_get_signature_info(certificate, &digest, null, null, null) != 1 || digest == 0) return null;
        var name = OpenSsl.OBJ_nid2sn(digest);
        var type = TlsLibrary.Text(name) is "MD5" or "SHA1" ? DigestByName("SHA256\0"u8) : OpenSsl.EVP_get_digestbyname(name);
        if (type == 0) return null;
        var hash = stackalloc byte[HashBytesMax];
        uint length;
        return OpenSsl.X509_digest(certificate, type, hash, &length) == 1 ? new ReadOnlySpan<byte>(hash, (int)length).ToArray()
            : null;
    }

    private static nint DigestByName(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = name) return OpenSsl.EVP_get_digestbyname(text);
    }

    /// <summary>
    /// Whether it was made out to the host: its alternative names, wildcards included; where it has none, its common name, if
    /// that is the only one. Source: RFC 6125, 6.4.4.
    /// </summary>
    internal static bool IsFor(nint certificate, string host)
    {
        fixed (byte* text = CText.Of(host))
        {
            var isAddress = IPAddress.TryParse(host, out _);
            if (AlternativeNames(certificate) is { Count: > 0 })
                return isAddress ? OpenSsl.X509_check_ip_asc(certificate, text, 0) == 1
                    : OpenSsl.X509_check_host(certificate, text, (nuint)host.Length, NeverSubject
                    | NoPartialWildcards, null) == 1;
            if (CommonNames(certificate) is not [var name]) return false;
            return isAddress ? name == host
                : OpenSsl.X509_check_host(certificate, text, (nuint)host.Length, NoPartialWildcards, null) == 1;
        }
    }

    /// <summary>The common name and alternative names (DNS names, addresses) of the subject, in UTF-8 as Latin-1 text.</summary>
    /// <returns>None when it has two common names: its signer may have looked at the other one.</returns>
    internal static List<string> NamesOf(nint certificate)
    {
        var names = CommonNames(certificate);
        if (names.Count > 1) return [];
        names.AddRange(AlternativeNames(certificate));
        names.RemoveAll(static name => name.Length == 0);
        return names;
    }

    /// <summary>All of them, as <see cref="CommonNames"/>.</summary>
    private static List<string> AlternativeNames(nint certificate)
    {
        var names = new List<string>();
        var alternatives = OpenSsl.X509_get_ext_d2i(certificate, AltNameNid, null, null);
        if (alternatives == 0) return names;
        for (var i = 0; i < OpenSsl.OPENSSL_sk_num(alternatives); i++)
        {
            int type;
            var value = OpenSsl.GENERAL_NAME_get0_value(OpenSsl.OPENSSL_sk_value(alternatives, i), &type);
            if (type is not (DnsName or IpAddress)) continue;
            var bytes = new ReadOnlySpan<byte>(OpenSsl.ASN1_STRING_get0_data(value), OpenSsl.ASN1_STRING_length(value));
            if (type == DnsName) names.Add(NameOf(bytes));
            else if (bytes.Length is 4 or 16) names.Add(new IPAddress(bytes).ToString());
        }
        OpenSsl.GENERAL_NAMES_free(alternatives);
        return names;
    }

    /// <summary>All of them; "" stands for one that is no name.</summary>
    private static List<string> CommonNames(nint certificate)
    {
        var names = new List<string>();
        var subject = OpenSsl.X509_get_subject_name(certificate);
        for (var at = OpenSsl.X509_NAME_get_index_by_NID(subject, CommonNameNid, -1); at >= 0;
            at = OpenSsl.X509_NAME_get_index_by_NID(subject, CommonNameNid, at))
        {
            byte* utf8;
            var length =
                OpenSsl.ASN1_STRING_to_UTF8(&utf8, OpenSsl.X509_NAME_ENTRY_get_data(OpenSsl.X509_NAME_get_entry(subject, at)));
            names.Add(length < 0 ? "" : NameOf(new ReadOnlySpan<byte>(utf8, length)));
            if (length < 0) continue;
            OpenSsl.CRYPTO_free(utf8, null, 0);
        }
        return names;
    }

    /// <summary>A name with a NUL in it is an attempt to look like another.</summary>
    private static string NameOf(ReadOnlySpan<byte> name) => name.Contains((byte)0) ? "" : Encoding.Latin1.GetString(name);
}
