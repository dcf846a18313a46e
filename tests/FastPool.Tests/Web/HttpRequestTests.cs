using System.Text;
using FastPool.Web;

namespace FastPool.Tests.Web;

public sealed class HttpRequestTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 18)]
    [InlineData("GET / HTTP/1.0\n\n", 16)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n", 0)]
    [InlineData("", 0)]
    public void A_head_ends_with_an_empty_line(string received, int length) =>
        Assert.Equal(length, HttpRequest.HeadLength(Encoding.Latin1.GetBytes(received)));

    [Fact]
    public void Method_path_and_accept_are_read()
    {
        var request = Parse("GET /metrics?x=/1 HTTP/1.1\r\nHost: h:1\r\nACCEPT: text/plain \r\n\r\n");
        Assert.Equal(new HttpRequest("GET", "/metrics", "text/plain"), request);
    }

    [Theory]
    [InlineData("1.0", false)]
    [InlineData("1.1", true)]
    public void Parts_with_their_lengths_are_for_HTTP_1_1(string version, bool takes) =>
        Assert.Equal(takes, Parse($"GET / HTTP/{version}\r\n\r\n")!.Value.TakesChunks);

    [Theory]
    [InlineData(true, "4\r\nab\r\n|\r\n1\r\nc|\r\n0\r\n\r\n")]
    [InlineData(false, "ab\r\n|c|")]
    public void A_body_of_parts_is_told_part_by_part(bool isChunked, string expected)
    {
        var parts = new Queue<string>(["ab\r\n", "c", ""]);
        var response = new HttpResponse(200, "text/plain", default)
        {
            Parts = () => Encoding.Latin1.GetBytes(parts.Dequeue()),
            IsChunked = isChunked,
        };
        Assert.Equal(isChunked, Encoding.Latin1.GetString(response.ToBytes()).Contains("chunked", StringComparison.Ordinal));
        var sent = new List<string>();
        for (var isLast = false; !isLast;)
            sent.Add(Encoding.Latin1.GetString(response.NextPart(isFirst: sent.Count == 0, out isLast).Span));
        Assert.Equal(expected, string.Join('|', sent));
    }

    [Theory]
    [InlineData("GET /\r\n\r\n")]
    [InlineData("GET / HTTP/2.0\r\n\r\n")]
    [InlineData("GET  / HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://h/ HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nno colon\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n: none\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nA: \0\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    public void Bytes_that_are_no_request_are_refused(string head) => Assert.Null(Parse(head));

    [Theory]
    [InlineData("", false)]
    [InlineData("*/*", false)]
    [InlineData("text/plain", false)]
    [InlineData("application/openmetrics-text", true)]
    // Prometheus 2.
    [InlineData("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1", true)]
    [InlineData("application/openmetrics-text;q=0.1,text/plain", false)]
    [InlineData("application/openmetrics-text;q=0", false)]
    [InlineData(";;q=,,", false)]
    public void The_form_is_the_one_that_is_liked_better(string accept, bool isOpenMetrics) =>
        Assert.Equal(isOpenMetrics, new HttpRequest("GET", "/metrics", accept).PrefersOpenMetrics);

    [Fact]
    public void An_answer_says_how_long_it_is_and_HEAD_gets_no_body()
    {
        var answer = HttpResponse.Text(404, "not found");
        Assert.StartsWith("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\n",
            Encoding.Latin1.GetString(answer.ToBytes()), StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nnot found\n", Encoding.Latin1.GetString(answer.ToBytes()), StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", Encoding.Latin1.GetString((answer with { IsHeadOnly = true }).ToBytes()),
            StringComparison.Ordinal);
    }

    private static HttpRequest? Parse(string head) => HttpRequest.TryParse(Encoding.Latin1.GetBytes(head));
}
