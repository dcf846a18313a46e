using System.Collections.Concurrent;
using System.Text;
using FastPool.Logs;
using Microsoft.Extensions.Logging;

namespace FastPool.Tests.Logs;

/// <summary>The log in front of a sink that takes lines when the test lets it.</summary>
public sealed class PoolerLogTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly SlowSink _sink = new();
    private readonly PoolerLog _log;

    public PoolerLogTests() =>
        _log = new PoolerLog(_sink, static status => throw new InvalidOperationException($"exit {status}"));

    public void Dispose()
    {
        _sink.Gate.Set();
        _log.Dispose();
    }

    private void Say(string text, LogLevel level = LogLevel.Information) => _log.Write(level, text);

    private string[] Written()
    {
        _sink.Gate.Set();
        _log.Flush();
        return [.. _sink.Lines];
    }

    [Fact]
    public void While_the_process_starts_lines_are_written_at_once()
    {
        _sink.Gate.Set();
        Say("one");
        Assert.Equal(["one"], _sink.Lines);
    }

    [Fact]
    public async Task Nobody_waits_for_a_sink_that_takes_nothing()
    {
        _log.WriteBehind();
        await Task.Run(() => // Written at once, the first line would hold this up for ever.
        {
            for (var i = 0; i < 1000; i++) Say($"line {i}");
        }).WaitAsync(Patience);
        Assert.Empty(_sink.Lines);
        Assert.Equal(Enumerable.Range(0, 1000).Select(static i => $"line {i}"), Written());
    }

    [Fact]
    public async Task Lines_that_do_not_fit_are_dropped_and_counted_and_the_rest_keeps_its_order()
    {
        var text = new string('x', 1000);
        _log.WriteBehind();
        Say("first");
        Assert.True(_sink.Entered.Wait(Patience)); // From here on nothing leaves the queue.
        await Task.Run(() =>
        {
            for (var i = 0; i < 5000; i++) Say($"{i} {text}");
        }).WaitAsync(Patience);
        Written();
        Say("after");
        var lines = Written();
        Assert.Equal("first", lines[0]);
        var kept = lines.Skip(1).TakeWhile(static line => !line.StartsWith("dropped", StringComparison.Ordinal)).ToArray();
        Assert.Equal(Enumerable.Range(0, kept.Length).Select(i => $"{i} {text}"), kept);
        Assert.InRange(kept.Length, LogQueue.BytesMax / 1100, LogQueue.BytesMax / 1000);
        Assert.Equal([$"dropped {5000 - kept.Length} log lines, the log takes them too slowly", "after"],
            lines[(kept.Length + 1)..]);
    }

    [Fact]
    public async Task A_FATAL_line_is_written_when_the_call_comes_back_and_is_never_dropped()
    {
        _log.WriteBehind();
        for (var i = 0; i < 5000; i++) Say(new string('x', 1000));
        var said = Task.Run(() => Say("the end", LogLevel.Critical));
        _sink.Gate.Set();
        await said.WaitAsync(Patience);
        Assert.Equal("the end", _sink.Lines.Last());
    }

    [Fact]
    public async Task The_end_of_the_process_does_not_wait_for_ever_for_the_log()
    {
        _log.WriteBehind();
        Say("one");
        await Task.Run(_log.Flush).WaitAsync(Patience);
        Assert.Empty(_sink.Lines);
    }

    [Fact]
    public void Work_on_the_sinks_is_done_in_the_order_of_the_lines()
    {
        _log.WriteBehind();
        Say("before");
        _log.LeaveStderr();
        Say("after");
        Assert.Equal(["before"], Written());
    }

    private sealed class SlowSink : ILogSink
    {
        public ManualResetEventSlim Gate { get; } = new();

        public ManualResetEventSlim Entered { get; } = new();

        public ConcurrentQueue<string> Lines { get; } = new();

        public void Write(in LogLine line)
        {
            Entered.Set();
            Gate.Wait();
            Lines.Enqueue(Encoding.Latin1.GetString(line.Text));
        }

        public void Reopen()
        {
        }
    }
}
