using System.Diagnostics;

namespace FastPool.Compat.Harness;

/// <summary>Waiting for what must come true: looks often, gives up at a deadline and says what was missing.</summary>
internal static class Until
{
    public static Task TrueAsync(Func<bool> condition, string what, int seconds = 15, Func<string>? more = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, seconds, more);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what, int seconds = 15, Func<string>? more = null)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed.TotalSeconds > seconds)
                throw new TimeoutException($"Not within {seconds} s: {what}.\n{more?.Invoke()}");
            await Task.Delay(20);
        }
    }

    /// <summary>Awaits a task that must end before the deadline.</summary>
    public static async Task<T> DoneAsync<T>(Task<T> task, string what, int seconds = 30)
    {
        if (await Task.WhenAny(task, Task.Delay(TimeSpan.FromSeconds(seconds))) != task)
            throw new TimeoutException($"Not within {seconds} s: {what}.");
        return await task;
    }
}
