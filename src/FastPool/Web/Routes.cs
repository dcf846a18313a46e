using System.Reflection;
using FastPool.Control;

namespace FastPool.Web;

/// <summary>The paths that exist. Figures are gathered on the control thread, like every listing.</summary>
internal sealed class Routes(ControlPlane plane)
{
    private const string PlainMetrics = "text/plain; version=0.0.4; charset=utf-8";
    private const string OpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// <summary>A control thread that does not answer for so long waits for a loop that does not.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(5);

    private static readonly Lazy<byte[]> Page = new(ReadPage);

    internal HttpResponse Answer(HttpRequest request)
    {
        if (request.Method is not ("GET" or "HEAD")) return HttpResponse.Text(405, "only GET and HEAD");
        var response = request.Path switch
        {
            "/" => new HttpResponse(200, "text/html; charset=utf-8", Page.Value),
            "/figures" => Gather("application/json", plane.Figures.Json),
            "/history" => Gather("application/json", plane.Figures.HistoryJson),
            "/metrics" => Metrics(request.PrefersOpenMetrics, request.TakesChunks),
            "/healthz" => Health(),
            "/readyz" => HttpResponse.Text(plane.Readiness.IsReady ? 200 : 503, plane.Readiness.Word),
            _ => HttpResponse.Text(404, "not found"),
        };
        return request.Method == "HEAD" ? response with { IsHeadOnly = true } : response;
    }

    /// <summary>The process is alive if it answers: the control thread takes work.</summary>
    private HttpResponse Health() => Gather("text/plain; charset=utf-8", static () => "ok\n"u8.ToArray());

    /// <summary>The control thread gathers; the text is made as it is sent, however long it is.</summary>
    private HttpResponse Metrics(bool isOpenMetrics, bool takesChunks)
    {
        if (plane.Ask(() => plane.Figures.Metrics(isOpenMetrics), AnswerMax) is not { } reading) return NoAnswer();
        var contentType = isOpenMetrics ? OpenMetrics : PlainMetrics;
        return new HttpResponse(200, contentType, default) { Parts = reading.Next, IsChunked = takesChunks };
    }

    private static HttpResponse NoAnswer() => HttpResponse.Text(503, "no answer in time");

    private HttpResponse Gather(string contentType, Func<byte[]> figures)
    {
        var answer = plane.Ask(figures, AnswerMax);
        return answer is null ? NoAnswer() : new HttpResponse(200, contentType, answer);
    }

    private static byte[] ReadPage()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("page.html")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
