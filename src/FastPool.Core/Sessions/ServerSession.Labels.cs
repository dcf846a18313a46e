using FastPool.Core.Pools;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// Tracked variables that the server does not report: search_path before PostgreSQL 18, those of track_extra_parameters. Each has
/// a label: the value that the pooler has set last, for a client that gave one at its login.
/// </summary>
public sealed partial class ServerSession
{
    private const int MaskBits = 64;

    private ulong _reported; // By this server, a bit a variable.
    private string? _role; // At the login; null: not reported.
    private bool _hasLabels;

    /// <summary>
    /// The role that the login has given. It is nobody's wish: the servers of a pool may have different ones, after a reload.
    /// </summary>
    internal void TakeRole(string role)
    {
        _role = role;
        Parameters = Context.Interner.With(Parameters, TrackedParameters.SessionAuthorization, ParameterValues.OwnDefault);
    }

    private void NoteReported(int index) => _reported |= index < MaskBits ? 1UL << index : 0;

    /// <summary>
    /// Of a server that another process has left nobody knows: there a label stands until a report takes its place.
    /// </summary>
    private bool IsUnreported(int index) => index >= TrackedParameters.SearchPath
        && index != TrackedParameters.SessionAuthorization && (index >= MaskBits || (_reported & (1UL << index)) == 0);

    /// <summary>Variables that are not reported have these values now.</summary>
    internal void TakeLabels(ParameterValues values)
    {
        _hasLabels = false;
        for (var i = 0; i < Context.Tracked.Count; i++)
        {
            if (!IsUnreported(i) || values[i] is not { } value) continue;
            Parameters = Context.Interner.With(Parameters, i, value);
            _hasLabels |= value != ParameterValues.OwnDefault;
        }
    }

    /// <summary>A command of the client's may have changed what is not reported: it is set again for the next client.</summary>
    private void NoteSetting(ReadOnlySpan<byte> tag)
    {
        if (tag.SequenceEqual("SET\0"u8) || tag.SequenceEqual("RESET\0"u8) || tag.SequenceEqual("DISCARD ALL\0"u8))
            Relabel(ParameterValues.InDoubt);
    }

    /// <summary>A command of the reset query is through.</summary>
    private void NoteReset(ReadOnlySpan<byte> tag)
    {
        if (!_hasLabels) return;
        if (tag.SequenceEqual("DISCARD ALL\0"u8)) Relabel(ParameterValues.OwnDefault);
        else NoteSetting(tag);
    }

    /// <summary>A batch that sets these values may have come through or not.</summary>
    private void DoubtLabels(ParameterValues values)
    {
        Relabel(ParameterValues.InDoubt);
        for (var i = 0; i < Context.Tracked.Count; i++)
        {
            if (IsUnreported(i) && values[i] is { } value && value != ParameterValues.OwnDefault)
                Parameters = Context.Interner.With(Parameters, i, ParameterValues.InDoubt);
        }
    }

    private void Relabel(string label)
    {
        for (var i = 0; i < Context.Tracked.Count; i++)
        {
            if (IsUnreported(i) && Parameters[i] is { } value && value != ParameterValues.OwnDefault)
                Parameters = Context.Interner.With(Parameters, i, label);
        }
        _hasLabels = label != ParameterValues.OwnDefault;
    }
}
