using FastPool.Native;

namespace FastPool.Web;

/// <summary>How a connection goes on.</summary>
internal enum HttpStep
{
    /// <summary>When the socket says more.</summary>
    Wait,
    /// <summary>The request is whole: it is to be answered.</summary>
    Answer,
    End,
}

/// <summary>One client from its request to the last byte of the answer.</summary>
internal sealed class HttpConnection(int handle, long nowUs)
{
    /// <summary>For the whole request, and again for taking the whole answer.</summary>
    private const long TimeUs = 10_000_000;

    private readonly byte[] _received = new byte[HttpRequest.HeadMax];
    private int _receivedCount;
    private HttpResponse? _response;
    private ReadOnlyMemory<byte> _unsent;
    private int _partCount;
    private bool _isLastPart;

    internal int Handle => handle;

    /// <summary>When it ends, whatever it does.</summary>
    internal long DeadlineUs { get; private set; } = nowUs + TimeUs;

    internal bool IsAnswering => _response is not null;

    internal HttpRequest Request { get; private set; }

    /// <summary>The answer to what is no request; null: it is one.</summary>
    internal HttpResponse? Refusal { get; private set; }

    internal HttpStep Receive()
    {
        var count = Sockets.TryReceive(handle, _received, _receivedCount, _received.Length - _receivedCount);
        if (count is -Errno.EAGAIN or -Errno.EINTR) return HttpStep.Wait;
        if (count <= 0) return HttpStep.End;
        _receivedCount += count;
        return Read();
    }

    private HttpStep Read()
    {
        var received = _received.AsSpan(0, _receivedCount);
        var length = HttpRequest.HeadLength(received);
        if (length == 0 && _receivedCount < _received.Length)
        {
            if (LooksLikeHttp(received)) return HttpStep.Wait;
            Refusal = HttpResponse.Text(400, "this is not HTTP/1");
        }
        else if (length == 0)
        {
            Refusal = HttpResponse.Text(431, "request too long");
        }
        else if (HttpRequest.TryParse(received[..length]) is { } request)
        {
            Request = request;
        }
        else
        {
            Refusal = HttpResponse.Text(400, "bad request");
        }
        return HttpStep.Answer;
    }

    /// <summary>A method consists of capital letters; bytes that begin otherwise will not become a request.</summary>
    private static bool LooksLikeHttp(ReadOnlySpan<byte> received) => received[0] is >= (byte)'A' and <= (byte)'Z';

    internal void Answer(HttpResponse response, long nowUs)
    {
        _response = response;
        _unsent = response.ToBytes();
        _isLastPart = response.Parts is null || response.IsHeadOnly;
        DeadlineUs = nowUs + TimeUs;
    }

    internal HttpStep Send()
    {
        while (true)
        {
            while (!_unsent.IsEmpty)
            {
                var count = Sockets.TrySend(handle, _unsent.Span);
                if (count is -Errno.EAGAIN) return HttpStep.Wait;
                if (count is -Errno.EINTR) continue;
                if (count <= 0) return HttpStep.End;
                _unsent = _unsent[count..];
            }
            if (_isLastPart) return HttpStep.End;
            _unsent = _response!.NextPart(isFirst: _partCount++ == 0, out _isLastPart);
        }
    }
}
