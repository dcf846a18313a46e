using BenchmarkDotNet.Running;

// dotnet run -c Release --project bench/FastPool.Bench -- --filter '*'
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
