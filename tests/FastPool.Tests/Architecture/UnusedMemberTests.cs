namespace FastPool.Tests.Architecture;

/// <summary>What the compiler cannot say of members that are not private: nothing in the product uses them.</summary>
public sealed class UnusedMemberTests
{
    /// <summary>Members for tests alone, each with the reason.</summary>
    private static readonly string[] ForTests =
    [
        "FastPool.Base.Mailbox::get_IsEmpty/0", // Whether all letters are read.
        "FastPool.Control.ControlThread::RunPending/0", // Work without a thread of its own.
        "FastPool.Control.ControlThread::Start/0", // The product works on the first thread.
        "FastPool.Core.Auth.ScramVerifier::FromPassword/3", // Servers of tests store what PostgreSQL does.
        "FastPool.Core.Auth.ScramVerifiers::get_KeysKept/0", // That the cache has an end.
        "FastPool.Core.Pools.ConnectionBudget::get_Count/0", // That every place is given back.
        "FastPool.Core.Pools.Pool::Evict/1", // The same operation without a limit.
        "FastPool.Core.Pools.PoolStats::Padding/0", // Keeps two cache lines apart.
        "FastPool.Core.Pools.ServerLife.Row`1::get_AsText/0", // Compared with the diagram.
        "FastPool.Core.Pools.ServerLife::get_Table/0", // Compared with the diagram.
        "FastPool.Core.Sessions.ParameterInterner::get_Count/0", // That the table has an end.
        "FastPool.Core.Sessions.ServerSession::get_BackendPid/0", // Which server it is.
        "FastPool.Core.Sessions.StatementTable::get_Count/0", // That statements are given back.
        "FastPool.Core.Settings.HbaRules::get_Count/0", // What was read.
        "FastPool.Core.Settings.IdentMap::get_Lines/0", // What was read.
        "FastPool.Core.Settings.IdentMaps::get_Count/0", // What was read.
        "FastPool.Core.Settings.IniReader::get_File/0", // What is read.
        "FastPool.Core.Settings.TokenList::get_Count/0", // What was read.
        "FastPool.Native.OpenSsl::SSL_session_reused/1", // For the next one.
        "FastPool.Native.TlsStream::get_IsResumed/0", // Whether a session was taken up again.
        "FastPool.Protocol.RowWriter::Complete/1", // A command's end behind rows.
    ];

    [Fact]
    public void A_member_that_the_product_does_not_use_is_named_here_or_gone() =>
        Assert.Equal(ForTests, MemberGraph.Unreached(AppContext.BaseDirectory));
}
