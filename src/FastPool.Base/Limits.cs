namespace FastPool.Base;

/// <summary>
/// The bounds of the data plane in one place: how much a connection, a pool or a loop may hold or do. A bound that one file
/// alone needs stands in that file; one that operators may want to change is a setting.
/// </summary>
public static class Limits
{
    /// <summary>Loops of one process; the word that names a loop is a byte.</summary>
    public const int LoopsMax = 64;

    /// <summary>
    /// Bytes of one receive. Large, so that a stream costs few system calls; one per loop, so that it costs no memory.
    /// </summary>
    public const int ReceiveBytes = 128 * 1024;

    /// <summary>
    /// A stream that has brought so many bytes within <see cref="BulkWithinUs"/> is a bulk one: from then on its socket
    /// reports nothing below <see cref="BulkReceiveBytes"/>, so that a COPY costs few system calls.
    /// </summary>
    public const int BulkBytes = 1024 * 1024;

    public const long BulkWithinUs = 20_000;

    public const int BulkReceiveBytes = ReceiveBytes / 2;

    /// <summary>A bulk stream that pauses is read after so many microseconds whatever is there.</summary>
    public const long BulkPauseUs = 1_000;

    /// <summary>
    /// Writable bytes before each receive: what a connection held back is put there, so that a cut header is whole again.
    /// </summary>
    public const int HeadroomBytes = 16 * 1024;

    /// <summary>Bytes kept free before those that are held: the longer name of a statement on its server fits there.</summary>
    public const int HeldHeadroomBytes = 32;

    /// <summary>Events taken by one wait.</summary>
    public const int EventsPerTurn = 256;

    /// <summary>
    /// A send as large as this, or smaller, may be put off to leave together with others: copying it costs less than a system
    /// call.
    /// </summary>
    public const int SendTogetherBytes = 4 * 1024;

    /// <summary>
    /// As soon as so many sends wait for each other they leave, where none can leave with a receive; else as soon as twice as
    /// many do. More of them cost less CPU each, and delay the first of them. With 8 a transaction of 200 clients cost a tenth
    /// more; 64 gain nothing beyond.
    /// </summary>
    public const int SendsTogether = 32;

    /// <summary>
    /// A send is put off by at most so many deliveries. A long one counts as several: one for each
    /// <see cref="ReceiveTogetherBytes"/>.
    /// </summary>
    public const int DeliveriesPutOffMax = 64;

    /// <summary>Sends that leave together: one delivery may add several.</summary>
    public const int SendsTogetherMax = 2 * SendsTogether;

    /// <summary>Streams that are received in one call.</summary>
    public const int ReceivesTogether = 32;

    /// <summary>Bytes that such a receive takes; what is behind them is received by itself.</summary>
    public const int ReceiveTogetherBytes = 4 * 1024;

    /// <summary>
    /// Bytes that a peer has not taken. Beyond this none may be added: their cause has been stopped long before.
    /// </summary>
    public const int UnsentBytesMax = 16 * 1024 * 1024;

    /// <summary>The largest result_buffer: the bytes of a result that are held for one client.</summary>
    public const int ResultBufferMax = 1024 * 1024 * 1024;

    /// <summary>Requests of one client whose replies are outstanding.</summary>
    public const int OutstandingMax = 1_000_000;

    /// <summary>Closes in the marker behind what a client has left under way. Each has 18 bytes.</summary>
    public const int MarkerClosesMax = 1_000;

    /// <summary>A password_command may take so long: less than server_connect_timeout mostly is.</summary>
    public const int PasswordCommandMs = 10_000;

    /// <summary>Files and commands that are asked for passwords at the same time.</summary>
    public const int PasswordThreadsMax = 8;

    /// <summary>Server connections of one pool that may be in the login phase at once.</summary>
    public const int DialsPerPoolMax = 8;

    /// <summary>
    /// Order of arrival across loops counts in steps of so many microseconds. Within a step a freed server goes to a waiter of
    /// its own loop, because moving it to another costs as much as a tenth of a transaction.
    /// </summary>
    public const long ArrivalStepUs = 2_000;

    /// <summary>
    /// Order of arrival across pools that share max_db_connections or max_user_connections counts in steps of so many
    /// microseconds. A server that changes its pool is closed and another is opened, which costs as much as a hundred
    /// transactions.
    /// </summary>
    public const long ClaimStepUs = 100_000;

    /// <summary>How many waiters are looked at for one of the server's own loop.</summary>
    public const int WaitersLookedAt = 32;

    /// <summary>Servers taken over from other loops in one tick before a pool below its size opens one more instead.</summary>
    public const int MovesPerTick = 16;

    /// <summary>
    /// A message of the login phase. A startup packet cannot be longer than 65535; a password is at most that long.
    /// </summary>
    public const int LoginMessageBytes = 65_536 + 64;

    /// <summary>A header of the PROXY protocol, held whole. Addresses take 52 bytes; it may have a certificate.</summary>
    public const int ProxyHeaderBytes = 16 * 1024;

    /// <summary>
    /// A message of a server that logs in: held whole, so it has an end. PostgreSQL's own are some hundred bytes; an error may be
    /// longer.
    /// </summary>
    public const int ServerLoginMessageBytes = 1024 * 1024;

    /// <summary>A message of a server that runs the connect query, whose rows are whatever the query makes them.</summary>
    public const int ConnectQueryMessageBytes = 16 * 1024 * 1024;

    /// <summary>
    /// All that a server may say before it is ready for the first time: PostgreSQL says some 20 messages of 700 bytes together.
    /// </summary>
    public const int ServerLoginMessagesMax = 1_000;

    /// <inheritdoc cref="ServerLoginMessagesMax"/>
    public const int ServerLoginBytes = 2 * 1024 * 1024;

    /// <summary>The parameters that a server reports, kept for the welcome of clients: some 400 bytes with PostgreSQL.</summary>
    public const int WelcomeBytes = 64 * 1024;

    /// <summary>
    /// A server's cancel key, with the process id. Source: PostgreSQL, BackendKeyData: at most 256 bytes of key.
    /// </summary>
    public const int CancelKeyBytes = 4 + 256;

    /// <summary>A salt that a server tells, as base64. PostgreSQL's have 24 characters.</summary>
    public const int ScramSaltTextBytes = 1024;

    /// <summary>Keys that were worked out for servers: one for each password and server, so this is plenty.</summary>
    public const int ServerKeysMax = 4096;

    /// <summary>
    /// A client that could not prove itself is told so many microseconds after its proof came, or at a multiple of that: how long
    /// the check took tells nothing.
    /// </summary>
    public const long RefusalStepUs = 100_000;

    /// <summary>
    /// The Parse of an unnamed statement up to this length is kept while its client may bind it again. A longer one is bound only
    /// on the server that it was sent to.
    /// </summary>
    public const int UnnamedBytesMax = 1024 * 1024;

    /// <summary>
    /// Of a client that has names for statements, a query up to this length is looked at for commands that drop one of them.
    /// </summary>
    public const int CommandBytesMax = 64 * 1024;

    /// <summary>
    /// A message that must be held whole before it is judged. PostgreSQL takes none that is longer (MaxAllocSize).
    /// </summary>
    public const int CollectedMessageBytes = 0x3FFFFFFF;

    /// <summary>Of an error's fields, so many bytes are looked at: SQLSTATE and the message stand first.</summary>
    public const int ErrorBytesLookedAt = 2 * 1024;

    /// <summary>Of a command tag. PostgreSQL's have at most 64.</summary>
    public const int TagBytesLookedAt = 256;

    /// <summary>The state of a client's session that goes with it; a longer one keeps its server.</summary>
    public const int StateBytesMax = 64 * 1024;

    /// <summary>Channels of one pool's listening connection; a client with more of them keeps its server.</summary>
    public const int ListenedChannelsMax = 10_000;

    /// <summary>A notification. PostgreSQL's have at most 8000 bytes, and a name.</summary>
    public const int NotificationBytesMax = 16 * 1024;

    /// <summary>Notifications that a client has not read; one with more is disconnected.</summary>
    public const int UnreadNotificationsMax = 8 * 1024 * 1024;

    /// <summary>A message of the answer to an auth_query.</summary>
    public const int AnswerBytesMax = 64 * 1024;

    /// <summary>Host names that are looked up at once, each on a thread of its own; more wait for one of them.</summary>
    public const int LookupsMax = 8;

    /// <summary>Addresses of one host name that are tried one after the other; the rest waits for its turn to be first.</summary>
    public const int AddressesMax = 16;

    /// <summary>Hosts that are remembered; beyond that the unused ones are forgotten.</summary>
    public const int HostsMax = 1_000;

    /// <summary>A host that is doubted again and again is asked no more often.</summary>
    public const long DoubtPauseUs = 100_000;

    /// <summary>The first pause before a host that failed is tried again; it doubles up to server_login_retry.</summary>
    public const long HostBackOffUs = 100_000;

    /// <summary>
    /// An attempt at one of several hosts is left alone for four times the host's last login, and for this at least, before the
    /// next host is tried beside it.
    /// </summary>
    public const long HostPatienceUs = 25_000;

    /// <summary>For so long a host that was in the wrong role is not asked again: a promotion is found that fast.</summary>
    public const long RoleTrustUs = 250_000;

    /// <summary>A silent host is left for one that was down, and may be tried again, after so long only.</summary>
    public const long HostReturnUs = 250_000;

    /// <inheritdoc cref="HostPatienceUs"/>
    public const long HostPatienceMaxUs = 1_000_000;

    /// <summary>Prepared statements whose times are taken, of some kilobytes each.</summary>
    public const int StatementsTimedMax = 2_000;

    /// <summary>Lines of log_min_duration that a loop writes in a second; the others are counted.</summary>
    public const int SlowLinesPerSecond = 20;

    /// <summary>For so long a server that is being tested counts as help on its way for those that wait.</summary>
    public const long TestPatienceUs = 1_000_000;

    /// <summary>The least time from now to a pool's timer.</summary>
    public const long TimerStepUs = 1_000;

    /// <summary>
    /// Sets of the variables that decide how a text is read, of which equal ones are one object. More of them cost comparisons.
    /// </summary>
    public const int TextSettingsMax = 4_096;

    /// <summary>Period of the janitor, in microseconds.</summary>
    public const long TickUs = 333_333;

    /// <summary>
    /// Its period on a loop where nothing is under way, and that of the control plane's own rounds, in microseconds: an idle
    /// pooler should hardly wake up.
    /// </summary>
    public const long QuietTickUs = 1_000_000;

    /// <summary>Pause of a listener after accept() failed, in microseconds.</summary>
    public const long AcceptPauseUs = 5_000_000;

    /// <summary>Time for TCP handshakes that are under way when a shared port closes, in microseconds; a client that is turned
    /// away meanwhile knocks again after a second.</summary>
    public const long HandshakeUs = 250_000;
}
