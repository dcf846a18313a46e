using System.Text;
using FastPool.Core.Auth;

namespace FastPool.Tests.Core.Auth;

public sealed class Md5PasswordTests
{
    [Fact]
    public void The_stored_form_is_what_PostgreSQL_stores() =>
        Assert.Equal("md5" + Md5Of("secretann"), Encoding.ASCII.GetString(Md5Password.Store("secret"u8, "ann"u8)));

    [Fact]
    public void The_response_digests_the_hex_of_the_stored_form_and_the_salt()
    {
        var stored = Md5Password.Store("secret"u8, "ann"u8);
        var salt = new byte[] { 0, 255, 10, 13 };
        var response = Md5Password.Respond(stored, salt);
        Assert.Equal("md5"
            + Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData([.. stored[3..], .. salt])),
            Encoding.ASCII.GetString(response));
        Assert.True(Md5Password.AreEqual(response, [.. response]));
        Assert.False(Md5Password.AreEqual(response, Md5Password.Respond(stored, [1, 2, 3, 4])));
        Assert.False(Md5Password.AreEqual(response, response.AsSpan(1)));
    }

    private static string Md5Of(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(Encoding.ASCII.GetBytes(text)));
}
