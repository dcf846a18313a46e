using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Protocol;

namespace FastPool.Control.Answers;

/// <summary>
/// The welcome of a console session: the pooler's own parameters, then those that the client named. Any thread.
/// </summary>
internal sealed class ConsoleWelcome(TrackedParameters tracked)
{
    /// <summary>libpq makes 12502 of the version.</summary>
    private static readonly (string Name, string Value)[] Own =
    [
        ("server_version", "1.25.2/bouncer"),
        ("client_encoding", "UTF8"),
        ("server_encoding", "UTF8"),
        ("DateStyle", "ISO"),
        ("TimeZone", "GMT"),
        ("standard_conforming_strings", "on"),
        ("is_superuser", "on"),
    ];

    private readonly WelcomeParameters _parameters = new(Block(Own), tracked.Unknown);

    /// <summary>For the own user: a process that wants to take over learns that we can do more than PgBouncer.</summary>
    private readonly WelcomeParameters _ownUserParameters =
        new(Block([.. Own, (TakeoverParameter, HandedState.Version.ToString(System.Globalization.CultureInfo.InvariantCulture))]),
        tracked.Unknown);

    internal const string TakeoverParameter = "fastpool_takeover";

    private static byte[] Block((string Name, string Value)[] rows) =>
        [.. rows.SelectMany(static row => WelcomeParameters.Status(row.Name, row.Value))];

    public byte[] For(ClientSession client)
    {
        var block = new MessageBuffer();
        (client.IsOwnUser ? _ownUserParameters : _parameters).Write(tracked, client.Parameters, client.CancelKey, block);
        return block.WrittenSpan.ToArray();
    }
}
