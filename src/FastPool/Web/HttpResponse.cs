using System.Globalization;
using System.Text;

namespace FastPool.Web;

/// <summary>An answer: what it is and its bytes. Every one ends its connection.</summary>
/// <param name="Body">All of it, unless it comes in <see cref="Parts"/>.</param>
internal sealed record HttpResponse(int Status, string ContentType, ReadOnlyMemory<byte> Body)
{
    private const string PlainText = "text/plain; charset=utf-8";

    internal static HttpResponse Text(int status, string text) => new(status, PlainText, Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>For HEAD: all but the body.</summary>
    internal bool IsHeadOnly { get; init; }

    /// <summary>
    /// Makes the next part of the body, good until the next call; an empty one is the end. Null: the body is there.
    /// </summary>
    internal Func<ReadOnlyMemory<byte>>? Parts { get; init; }

    /// <summary>Each part has its length before it; else the end of the connection is that of the body.</summary>
    internal bool IsChunked { get; init; }

    /// <summary>The head, and the body if it is there.</summary>
    internal byte[] ToBytes()
    {
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {Status} {Reason}\r\nContent-Type: {ContentType}\r\n");
        if (Parts is null) head.Append(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}\r\n");
        else if (IsChunked) head.Append("Transfer-Encoding: chunked\r\n");
        if (Status == 405) head.Append("Allow: GET, HEAD\r\n");
        head.Append(
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n");
        head.Append(
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:\r\n");
        head.Append("Connection: close\r\n\r\n");
        return [.. Encoding.Latin1.GetBytes(head.ToString()), .. IsHeadOnly ? default : Body.Span];
    }

    /// <summary>The next part as it is sent.</summary>
    internal ReadOnlyMemory<byte> NextPart(bool isFirst, out bool isLast)
    {
        var part = Parts!();
        isLast = part.IsEmpty;
        if (!IsChunked) return part;
        // The line that ends a part is put before the next one.
        var lead = Encoding.Latin1.GetBytes($"{(isFirst ? "" : "\r\n")}{part.Length:x}\r\n{(part.IsEmpty ? "\r\n" : "")}");
        return (byte[])[.. lead, .. part.Span];
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
