namespace FastPool.Tests.Architecture;

/// <summary>Finds members that nothing in the product uses. The compiler tells that of private ones only.</summary>
public sealed class UnusedMemberTests
{
    /// <summary>Members for tests alone, each with the reason; without the namespace, so that a file may move.</summary>
    private static readonly string[] ForTests =
    [
        "CancelKeys::get_TableSize/0", // That the table shrinks.
        "ConnectionList`1::get_Room/0", // That the list shrinks.
        "ControlThread::RunPending/0", // Work without a thread of its own.
        "ControlThread::Start/0", // The product works on the first thread.
        "DueBlocks::get_Room/0", // That the table shrinks.
        "DueHeap`1::get_Room/0", // That the heap shrinks.
        "HbaRules::get_Count/0", // The count of rules read.
        "IdentMap::get_Lines/0", // The lines read.
        "IdentMaps::get_Count/0", // The count of maps read.
        "IniReader::get_File/0", // The file that is read.
        "Mailbox::get_IsEmpty/0", // Whether all letters are read.
        "OpenSsl::SSL_session_reused/1", // For TlsStream.IsResumed.
        "ParameterInterner::get_Count/0", // That the table has an end.
        "Pool::Evict/1", // The same operation without a limit.
        "PoolStats::Padding/0", // Keeps two cache lines apart.
        "ProgramPages::UnchangedIn/1", // A text of the kernel's that a test has written.
        "RecordCiphers::get_KeyCount/0", // That no key stays behind.
        "RowWriter::Complete/1", // A command's end behind rows.
        "Row`1::get_AsText/0", // Compared with the diagram.
        "ScramVerifier::FromPassword/3", // Servers of tests store what PostgreSQL does.
        "ScramVerifiers::get_KeysKept/0", // That the cache has an end.
        "ServerLife::get_Table/0", // Compared with the diagram.
        "SocketEngine::get_Room/0", // That its tables shrink.
        // Which server it is.
        "StatementTable::get_Count/0", // That statements are given back.
        "TlsStream::get_IsResumed/0", // Whether a session was taken up again.
    ];

    [Fact]
    public void A_member_that_the_product_does_not_use_is_named_here_or_gone() =>
        Assert.Equal(ForTests, MemberGraph.Unreached(AppContext.BaseDirectory).Select(WithoutNamespace)
            .Order(StringComparer.Ordinal));

    private static string WithoutNamespace(string member) =>
        member[(member.LastIndexOf('.', member.IndexOf("::", StringComparison.Ordinal)) + 1)..];
}
