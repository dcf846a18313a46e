using FastPool.Base;
using FastPool.Control;
using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Sessions;
using Microsoft.Extensions.Logging;

namespace FastPool.Tests.Harness;

using Settings = FastPool.Core.Settings.Settings;

/// <summary>Time that stands still until it is told to go on.</summary>
internal sealed class HandClock : Clock
{
    public const long StartWallUs = 1_700_000_000_000_000; // 2023-11-14 22:13:20 UTC.

    private long _nowUs = 1_000_000;

    public override long NowUs => _nowUs;

    public override long WallUs => StartWallUs + _nowUs - 1_000_000;

    public void Pass(long us) => _nowUs += us;
}

/// <summary>The log's lines, with PgBouncer's level words.</summary>
internal sealed class MemoryLog : ILogger
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter)
    {
        var level =
            logLevel switch
            {
                LogLevel.Information => "LOG",
                LogLevel.Warning => "WARNING",
                LogLevel.Error => "ERROR",
                _ =>
            "DEBUG"
            };
        lock (_lines) _lines.Add($"{level} {formatter(state, exception)}");
    }
}

/// <summary>Different bytes every time, and the same ones in every run.</summary>
internal sealed class SeededRandom : RandomSource
{
    private readonly Random _random = new(Seed: 1);

    public override void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
}

/// <summary>A process that notes what it is told.</summary>
internal sealed class NotingProcess : IProcessControl
{
    public List<string> Calls { get; } = [];

    public Func<bool> ReloadWork { get; set; } = static () => true;

    public bool HasGoodTls { get; set; } = true;

    public ReloadResult Reload()
    {
        Calls.Add("reload");
        return new ReloadResult(ReloadWork());
    }

    public ProcessFigures Figures() => new() { OpenDescriptors = 17, ReloadsFailed = 3, IsLastReloadBad = true };

    public void Shutdown(ShutdownMode mode) => Calls.Add($"shutdown {mode}");

    public void Retire() => Calls.Add("retire");

    public void SettingsApplied(Settings settings) => Calls.Add("applied");

    public void StatsReported(string line) => Calls.Add("stats");

    public bool TryApplyTls(Settings settings)
    {
        Calls.Add("tls");
        return HasGoodTls;
    }
}

/// <summary>The reply that a console session got.</summary>
internal sealed class Reply : IConsoleReply
{
    private readonly List<byte> _bytes = [];

    public int PartCount { get; private set; }

    public bool IsAnswered { get; private set; }

    public IReadOnlyList<Message> Messages => Message.ReadAll([.. _bytes]);

    public void Part(ReadOnlyMemory<byte> messages)
    {
        Assert.False(IsAnswered);
        PartCount++;
        _bytes.AddRange(messages.Span);
    }

    public void Answer(ReadOnlyMemory<byte> messages)
    {
        Assert.False(IsAnswered);
        IsAnswered = true;
        _bytes.AddRange(messages.Span);
    }

    public List<DescriptorMessage> Sent { get; } = [];

    /// <summary>The descriptors that came with them: the test must dispose of them.</summary>
    public DescriptorCopies? Copies { get; private set; }

    public void Send(IReadOnlyList<DescriptorMessage> messages, DescriptorCopies copies)
    {
        Sent.AddRange(messages);
        Copies = copies;
    }

    public void Disconnect(string reason) => Assert.Fail(reason);

    /// <summary>The tag of a finished command.</summary>
    public string Tag
    {
        get
        {
            Assert.True(IsAnswered);
            Assert.Equal("Z:I", Messages[^1].Text);
            return Assert.Single(Messages, static message => message.Type == 'C').Strings[0];
        }
    }

    /// <summary>The only error, as <c>severity/state "message"</c>.</summary>
    public string Error
    {
        get
        {
            Assert.True(IsAnswered);
            Assert.Equal(['E', 'Z'], Messages.Select(static message => message.Type));
            return Messages[0].Text;
        }
    }

    /// <summary>Rows with their values joined by bars, as psql -At prints them.</summary>
    public string[] Rows =>
        [.. Messages.Where(static message => message.Type == 'D')
        .Select(static message => string.Join('|', message.Values.Select(static value => value ?? "NULL")))];

    /// <summary>The columns of its listing. They belong to no table, have no modifier and come as text.</summary>
    public (string Name, uint Oid, int Length)[] Columns
    {
        get
        {
            var columns = Messages.Single(static message => message.Type == 'T').Columns;
            Assert.All(columns, static column =>
                Assert.Equal((0u, 0, -1, 0), (column.Table, column.Attribute, column.Modifier, column.Format)));
            return [.. columns.Select(static column => (column.Name, column.Oid, column.Length))];
        }
    }
}

/// <summary>Descriptors that are numbers: a copy of 7 is 1007, the next one 2007.</summary>
internal sealed class NumberedDescriptors : IDescriptorSource
{
    private int _made;

    /// <summary>How many more can be made.</summary>
    public int Room { get; set; } = int.MaxValue;

    public List<int> Open { get; } = [];

    public int TryDuplicate(int descriptor)
    {
        if (Room-- <= 0) return -24; // EMFILE
        Open.Add((++_made * 1000) + descriptor);
        return Open[^1];
    }

    public void Close(int descriptor) => Assert.True(Open.Remove(descriptor), $"{descriptor} is closed twice");

    public string ErrorText(int errno) => $"error {errno}";
}
