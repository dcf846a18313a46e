using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace FastPool.Bench;

/// <summary>
/// Runs every benchmark a few times without measuring it: it still runs, and it allocates nothing unless it is marked
/// <see cref="MayAllocateAttribute"/>. Takes seconds where BenchmarkDotNet takes minutes.
/// </summary>
internal static class SmokeRun
{
    private const int WarmUpCount = 64;
    private const int OperationCount = 64;

    private static readonly MethodInfo _bytesOfFunction =
        typeof(SmokeRun).GetMethod(nameof(BytesOfFunction), BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>Runs all benchmarks of this program. The last line says how many passed and how many failed.</summary>
    /// <returns>The exit code: 0 when all passed and some ran.</returns>
    public static int Run(TextWriter output)
    {
        var passedCount = 0;
        var failedCount = 0;
        foreach (var type in typeof(SmokeRun).Assembly.GetTypes().OrderBy(type => type.Name, StringComparer.Ordinal))
        {
            var benchmarks = MethodsWith<BenchmarkAttribute>(type);
            if (benchmarks.Length == 0)
                continue;
            object? instance = null;
            var setUpFault = Attempt(() => instance = SetUp(type));
            foreach (var benchmark in benchmarks)
            {
                var fault = setUpFault ?? Attempt(() => RunOne(instance!, benchmark, output));
                if (fault is null)
                {
                    passedCount++;
                    continue;
                }

                failedCount++;
                output.WriteLine($"{type.Name}.{benchmark.Name} failed: {fault}");
            }

            Attempt(() => CallAll<GlobalCleanupAttribute>(instance!, type));
        }

        output.WriteLine($"{passedCount} passed, {failedCount} failed");
        return failedCount == 0 && passedCount > 0 ? 0 : 1;
    }

    private static object SetUp(Type type)
    {
        var instance = Activator.CreateInstance(type)!;
        CallAll<GlobalSetupAttribute>(instance, type);
        return instance;
    }

    private static void RunOne(object instance, MethodInfo benchmark, TextWriter output)
    {
        // A delegate of the method's own type: a call by reflection would allocate, and so would a boxed result.
        var bytes = benchmark.ReturnType == typeof(void)
            ? BytesOf(benchmark.CreateDelegate<Action>(instance))
            : (long)_bytesOfFunction.MakeGenericMethod(benchmark.ReturnType)
                .Invoke(null, [benchmark.CreateDelegate(typeof(Func<>).MakeGenericType(benchmark.ReturnType), instance)])!;
        if (bytes != 0 && benchmark.GetCustomAttribute<MayAllocateAttribute>() is null)
            throw new InvalidOperationException($"allocated {bytes} bytes in {OperationCount} operations; it must allocate nothing");
        output.WriteLine($"{benchmark.DeclaringType!.Name}.{benchmark.Name}: {bytes} bytes in {OperationCount} operations");
    }

    private static long BytesOf(Action operation)
    {
        for (var i = 0; i < WarmUpCount; i++) operation();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < OperationCount; i++) operation();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static long BytesOfFunction<T>(Func<T> operation)
    {
        for (var i = 0; i < WarmUpCount; i++) operation();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < OperationCount; i++) operation();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void CallAll<TAttribute>(object instance, Type type)
        where TAttribute : Attribute
    {
        foreach (var method in MethodsWith<TAttribute>(type)) method.Invoke(instance, null);
    }

    private static MethodInfo[] MethodsWith<TAttribute>(Type type)
        where TAttribute : Attribute =>
        [.. type.GetMethods(BindingFlags.Public | BindingFlags.Instance).Where(method => method.IsDefined(typeof(TAttribute)))];

    /// <summary>Runs it. A benchmark that throws is a failure of that one alone.</summary>
    /// <returns>The fault; null when there is none.</returns>
    private static string? Attempt(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (TargetInvocationException e)
        {
            return e.InnerException!.ToString();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return e is InvalidOperationException ? e.Message : e.ToString();
        }
    }
}
