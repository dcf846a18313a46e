using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Io;

namespace FastPool.Net;

/// <summary>
/// Where our own mistakes end. Every piece of work of a loop runs inside one of these boundaries: a delivery, a letter, an
/// effect of a pool, a timer. Whatever is thrown there closes the connection that was being served, and its link; the rest
/// of the loop goes on.
/// </summary>
internal sealed partial class Loop
{
    internal const string InternalError = "internal error";

    /// <param name="place">The boundary, for the log.</param>
    /// <param name="served">The connection whose work it was; null: none in particular.</param>
    internal void Contain(string place, Exception thrown, Endpoint? served = null)
    {
        Note(place, thrown);
        ClearScratch();
        if (served is null) return;
        try
        {
            served.OnBroken();
        }
        catch (Exception again)
        {
            Note("closing after " + place, again);
            ClearScratch();
        }
    }

    /// <summary>A login that has failed is told so, at a time of ours.</summary>
    private void EndRefused(ClientConnection client)
    {
        if (client is { IsOpen: true, Session.Login: { } login }) EndLogin(client, login.Ending); // Else it has left by itself.
    }

    /// <summary>A login is told its end.</summary>
    internal void EndLogin(ClientConnection client, Ending ending)
    {
        try
        {
            client.Disconnect(ending);
        }
        catch (Exception e)
        {
            Contain("the end of a login", e, client);
        }
    }

    /// <summary>A step of closing a connection: the next one follows even if it throws.</summary>
    internal void Try(Action step)
    {
        try
        {
            step();
        }
        catch (Exception e)
        {
            Note("closing a connection", e);
        }
    }

    internal void ContainEffect(in PoolEffect effect, Exception thrown)
    {
        var place = $"an effect ({effect.Kind})";
        var server = effect.Server is ServerSession session ? Connection(session) : null;
        var client = effect.Client switch
        {
            ClientSession known => Connection(known),
            AuthQuery query => Connection(query.Requester),
            _ => null,
        };
        if (server is not null && server.Session.Loop != Index) server = null;
        if (client is not null && !client.Session.IsOn(Index)) client = null;
        Contain(place, thrown, server);
        if (client is { IsOpen: true }) Contain(place, thrown, client);
        if (effect.Kind == PoolEffectKind.Dial && server is null) GiveDialBack(effect);
    }

    /// <summary>An operation of a pool has thrown: those it was about are closed, each on its own loop.</summary>
    public void OnFailed(Exception failure, PoolClient? client, PooledServer? server)
    {
        // It may be told in the middle of another connection's delivery, whose gathered bytes stay.
        Note("an operation of a pool", failure);
        if (server is ServerSession session) _all[server.Loop].Post(new ActionLetter(_ => Connection(session).OnBroken()));
        if (client is ClientSession) PostTo(client.Loop, new ClientLetter(client, _ => Connection(client).OnBroken()));
        if (client is AuthQuery query) _all[client.Loop].Post(new ActionLetter(_ => Connection(query.Requester).OnBroken()));
    }

    /// <summary>The pool counts a server that is being opened: it hears that there will be none.</summary>
    private void GiveDialBack(PoolEffect effect) =>
        Try(() =>
            effect.Pool.LoginFailed(new ServerSession(Context, effect.Pool, Shared.NextId(), 0, effect.Client as ClientSession),
            new LoginFailure(InternalError, null), this));

    private void ClearScratch()
    {
        Outbox.Clear();
        ToServer.Clear();
        ToClient.Clear();
        Context.LoginOutput.Clear();
    }

    private void Note(string place, Exception thrown)
    {
        Figures.BrokenInvariants++;
        try
        {
            Context.Log.Failure("", BrokenInvariant.Text(place, thrown));
        }
        catch (Exception)
        {
            // The log itself has thrown: the counter tells of it.
        }
    }
}
