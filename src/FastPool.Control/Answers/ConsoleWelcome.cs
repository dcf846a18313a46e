using System.Globalization;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Control.Answers;

/// <summary>
/// The welcome of a console session: the pooler's own parameters, then those that the client named. Any thread.
/// </summary>
internal sealed class ConsoleWelcome(TrackedParameters tracked, PoolRegistry registry)
{
    internal const string TakeoverParameter = "fastpool_takeover";

    private readonly WelcomeParameters _older = Of(tracked, ShownVersion.V125);
    private readonly WelcomeParameters _newer = Of(tracked, ShownVersion.V126);

    /// <summary>For the own user: a process that wants to take over learns that we can do more than PgBouncer.</summary>
    private readonly WelcomeParameters _olderOfOwnUser = Of(tracked, ShownVersion.V125, Takeover);
    private readonly WelcomeParameters _newerOfOwnUser = Of(tracked, ShownVersion.V126, Takeover);

    private static (string Name, string Value) Takeover =>
        (TakeoverParameter, HandedState.Version.ToString(CultureInfo.InvariantCulture));

    public byte[] For(ClientSession client)
    {
        var block = new MessageBuffer();
        var settings = registry.Settings;
        var isOlder = settings.Own.ShowAs < ShownVersion.V126;
        var parameters = client.IsOwnUser ? isOlder ? _olderOfOwnUser : _newerOfOwnUser : isOlder ? _older : _newer;
        parameters.Write(tracked, client.Parameters, client.CancelKey, settings, null, block);
        return block.WrittenSpan.ToArray();
    }

    /// <summary>libpq makes 12601 of 1.26.1.</summary>
    private static WelcomeParameters Of(TrackedParameters tracked, ShownVersion version, params (string, string)[] more)
    {
        (string Name, string Value)[] rows =
        [
            ("server_version", version.Number() + "/bouncer"),
            ("client_encoding", "UTF8"),
            ("server_encoding", "UTF8"),
            ("DateStyle", "ISO"),
            ("TimeZone", "GMT"),
            ("standard_conforming_strings", "on"),
            ("is_superuser", "on"),
            .. more,
        ];
        return new WelcomeParameters([.. rows.SelectMany(static row => WelcomeParameters.Status(row.Name, row.Value))],
            tracked.Unknown);
    }
}
