[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]
[assembly: TestFramework("FastPool.Compat.Harness.CleaningTestFramework", "FastPool.Compat")]
[assembly: TestCollectionOrderer("FastPool.Compat.Harness.LongestFirst", "FastPool.Compat")]
