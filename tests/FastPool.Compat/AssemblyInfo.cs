[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: TestFramework("FastPool.Compat.CleaningTestFramework", "FastPool.Compat")]
