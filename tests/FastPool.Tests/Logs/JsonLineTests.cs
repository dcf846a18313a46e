using System.Text;
using System.Text.Json;
using FastPool.Logs;
using Microsoft.Extensions.Logging;

namespace FastPool.Tests.Logs;

public sealed class JsonLineTests
{
    [Fact]
    public void A_line_is_an_object_with_the_same_keys_always()
    {
        var line = new JsonLine(42).Build(1_700_000_000_123_456, LogLevel.Warning, "a \"b\"\nc\u001b \u00C3\u00A4 \u00E4 ");
        var text = Encoding.UTF8.GetString(line.Whole);
        Assert.Equal(text[..^1], Encoding.UTF8.GetString(line.Text));
        Assert.Single(text, '\n');
        Assert.Equal(
            "{\"time\":\"2023-11-14T22:13:20.123Z\",\"pid\":42,\"level\":\"WARNING\","
                + "\"text\":\"a \\\"b\\\"\\nc\\u001B \u00E4 \uFFFD\"}\n",
            text);
    }

    [Theory]
    [InlineData("C-0x56: shop/ann@10.0.0.1:5000 login attempt: db=shop", "C-0x56|shop|ann|10.0.0.1:5000|login attempt: db=shop")]
    [InlineData("S-0x56: (nodb)/a/b@c@[::1]:5 closing because: x", "S-0x56|(nodb)|a/b@c|[::1]:5|closing because: x")]
    [InlineData("S-0x56: peer-1@10.0.0.1:5 x", "||||S-0x56: peer-1@10.0.0.1:5 x")]
    [InlineData("C-0x56: ", "||||C-0x56: ")]
    [InlineData("stats: 0 xacts/s", "||||stats: 0 xacts/s")]
    public void A_line_about_a_connection_has_its_parts(string text, string parts)
    {
        var (connection, database, user, address, rest) = JsonLine.Parts(text);
        Assert.Equal(parts, string.Join('|', connection ?? "", database, user, address, rest));
    }

    [Fact]
    public void A_long_text_is_cut()
    {
        var line = new JsonLine(1).Build(0, LogLevel.Error, new string('\u0001', 10_000));
        using var json = JsonDocument.Parse(line.Text.ToArray());
        Assert.Equal(LineBuilder.TextBytesMax, json.RootElement.GetProperty("text").GetString()!.Length);
    }
}
