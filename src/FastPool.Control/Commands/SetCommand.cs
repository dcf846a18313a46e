using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Commands;

/// <summary>SET name = value.</summary>
internal sealed class SetCommand(PoolRegistry registry, SettingsInForce reloader, ILogger log)
{
    public void Run(ConsoleRequest request, string name, string value)
    {
        var answer = request.NewAnswer();
        var own = registry.Settings.Own;
        if (CompatibleParameters.Contains(name, own.ShowAs) || (own.ConsoleExtended && DriverWords.IsIgnoredSetting(name)))
        {
            answer.Buffer.WriteNotice("SET ignored"u8);
            answer.Complete("SET");
            return;
        }
        request.RequireAdmin();
        if (!Apply(name, value)) answer.Buffer.WriteNotice("TLS settings could not be applied, still using old configuration"u8);
        answer.Complete($"SET {name}={value}");
    }

    /// <returns>False when only TLS is as it was.</returns>
    private bool Apply(string name, string value)
    {
        var settings = registry.Settings.TrySet(name, value, out var message);
        if (message is { } text) log.Write(text);
        if (settings is null) throw new ConsoleException("SET failed");
        if (ReferenceEquals(settings, registry.Settings)) return true; // Fixed until restart: passed over in silence.
        return reloader.Put(settings, name.Contains("_tls_", StringComparison.Ordinal)
            || name.Contains("_tls13_", StringComparison.Ordinal));
    }
}
