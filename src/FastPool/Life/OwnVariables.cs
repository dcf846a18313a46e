using FastPool.Core.Settings;

namespace FastPool.Life;

/// <summary>FASTPOOL_LOOPS and so on: the only variables that configure anything.</summary>
internal static class OwnVariables
{
    internal static Dictionary<string, string> Read()
    {
        var environment = new Dictionary<string, string>();
        foreach (var (key, _) in FastPoolSettings.Default.Values)
        {
            var name = FastPoolSettings.VariableOf(key);
            if (Environment.GetEnvironmentVariable(name) is { } value) environment[name] = value;
        }

        return environment;
    }
}
