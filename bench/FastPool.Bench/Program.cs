using BenchmarkDotNet.Running;
using FastPool.Bench;

// dotnet run -c Release --project bench/FastPool.Bench -- --filter '*'
// dotnet run -c Release --project bench/FastPool.Bench -- --smoke      each one a few times: does it still run, does it allocate?
// dotnet run -c Release --project bench/FastPool.Bench -- --pool       one pool on 1 to 64 loops: its rate, and the law of it.
// dotnet run -c Release --project bench/FastPool.Bench -- --mover [FOLDER]    the same from prices and a model, and its picture
if (args is ["--smoke"])
    return SmokeRun.Run(Console.Out);
if (args is ["--pool"])
    return PoolCurve.Run(Console.Out, seconds: 2);
if (args is ["--mover", ..])
    return MoverReport.Run(Console.Out, Console.Error, args.Length > 1 ? args[1] : null);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
return 0;
