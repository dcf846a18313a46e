using System.Collections.Concurrent;
using FastPool.Core.Auth;
using FastPool.Net;

namespace FastPool.Tests.Net;

/// <summary>Checks of passwords that take as long as a test wants them to.</summary>
public sealed class PasswordCheckerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ManualResetEventSlim _release = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<bool>> _answers = new();
    private readonly SemaphoreSlim _begun = new(0);
    private readonly PasswordChecker _checker;

    public PasswordCheckerTests() => _checker = new PasswordChecker("TEST", check =>
    {
        _begun.Release();
        if (check.User.StartsWith("hangs", StringComparison.Ordinal)) _release.Wait(Patience);
        return check.Password == "right";
    });

    public void Dispose()
    {
        _release.Set();
        GC.SuppressFinalize(this);
    }

    private PasswordCheck Begin(string user, out bool isTaken, string password = "right")
    {
        var check = new PasswordCheck(PasswordAuthority.Pam, user, password, "unix", "");
        var answer = _answers.GetOrAdd(user, _ => new TaskCompletionSource<bool>());
        isTaken = _checker.TryBegin(check, () => answer.TrySetResult(check.IsRight));
        return check;
    }

    private Task<bool> AnswerOf(string user) => _answers[user].Task.WaitAsync(Patience);

    [Fact]
    public async Task Each_check_gets_its_own_answer()
    {
        for (var i = 0; i < 50; i++) Begin($"user{i}", out _, i % 2 == 0 ? "right" : "wrong");
        for (var i = 0; i < 50; i++) Assert.Equal(i % 2 == 0, await AnswerOf($"user{i}"));
    }

    [Fact]
    public async Task One_that_hangs_holds_up_nobody()
    {
        Begin("hangs", out _);
        Begin("other", out _);
        Assert.True(await AnswerOf("other"));
        Assert.False(_answers["hangs"].Task.IsCompleted);
    }

    [Fact]
    public async Task When_all_hang_those_whose_clients_have_gone_make_room()
    {
        var hanging = new List<PasswordCheck>();
        for (var i = 0; i < PasswordChecker.ThreadsMax; i++)
        {
            hanging.Add(Begin($"hangs{i}", out _));
            Assert.True(await _begun.WaitAsync(Patience));
        }
        Begin("other", out _);
        Assert.False(_answers["other"].Task.IsCompleted);
        _checker.Abandon(hanging[0]);
        Assert.True(await AnswerOf("other"));
        Assert.True(_answers.Where(static entry => entry.Key.StartsWith("hangs", StringComparison.Ordinal))
            .All(static entry => !entry.Value.Task.IsCompleted));
    }

    [Fact]
    public async Task A_full_queue_refuses_and_one_that_gave_up_while_waiting_is_not_looked_at()
    {
        for (var i = 0; i < PasswordChecker.ThreadsMax; i++)
        {
            Begin($"hangs{i}", out _);
            Assert.True(await _begun.WaitAsync(Patience));
        }
        var waiting = Enumerable.Range(0, PasswordChecker.QueueMax).Select(i => Begin($"waits{i}", out _)).ToList();
        var refused = Begin("late", out var isTaken);
        Assert.False(isTaken);
        Assert.Equal(["TEST queue is full"], refused.Warnings);
        _checker.Abandon(waiting[0]);
        _release.Set();
        Assert.False(await AnswerOf("waits0"));
        for (var i = 1; i < PasswordChecker.QueueMax; i++) Assert.True(await AnswerOf($"waits{i}"));
        Begin("again", out isTaken);
        Assert.True(isTaken && await AnswerOf("again"));
    }
}
