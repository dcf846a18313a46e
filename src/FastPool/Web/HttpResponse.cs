using System.Globalization;
using System.Text;

namespace FastPool.Web;

/// <summary>An answer: what it is and its bytes. Every one ends its connection.</summary>
internal sealed record HttpResponse(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    private const string PlainText = "text/plain; charset=utf-8";

    internal static HttpResponse Text(int status, string text) => new(status, PlainText, Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>For HEAD: all but the body.</summary>
    internal bool IsHeadOnly { get; init; }

    internal byte[] ToBytes()
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {Status} {Reason}\r\nContent-Type: {ContentType}\r\nContent-Length: {Body.Length}\r\n");
        if (Status == 405) head.Append("Allow: GET, HEAD\r\n");
        head.Append(
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n");
        head.Append(
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:\r\n");
        head.Append("Connection: close\r\n\r\n");
        return [.. Encoding.Latin1.GetBytes(head.ToString()), .. IsHeadOnly ? default : Body.Span];
    }

    private string Reason => Status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Error",
    };
}
