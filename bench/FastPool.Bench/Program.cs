using BenchmarkDotNet.Running;
using FastPool.Bench;

// dotnet run -c Release --project bench/FastPool.Bench -- --filter '*'
// dotnet run -c Release --project bench/FastPool.Bench -- --smoke      each one a few times: does it still run, does it allocate?
if (args is ["--smoke"])
    return SmokeRun.Run(Console.Out);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
