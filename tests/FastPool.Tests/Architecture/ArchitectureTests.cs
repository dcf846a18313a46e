using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FastPool.Tests.Architecture;

/// <summary>Rules that project references cannot hold: edges between folders, and words that have their places.</summary>
public sealed class ArchitectureTests
{
    /// <summary>
    /// The way of a transaction, by how paths begin: a part that is split off, or a file added to a folder, is guarded with the
    /// rest. No state machine, closure of an iterator, lock or thread pool there.
    /// </summary>
    private static readonly string[] Hot =
    [
        "FastPool.Io/", "FastPool.Net/Loops/", "FastPool.Net/Clients/ClientConnection", "FastPool.Net/Servers/ServerConnection",
        "FastPool.Core/Sessions/Links/", "FastPool.Core/Sessions/ClientSession", "FastPool.Core/Sessions/ServerSession",
            "FastPool.Core/Pools/Pool.cs",
        "FastPool.Core/Pools/PoolMover", "FastPool.Core/Pools/Chain.cs", "FastPool.Protocol/Framing/",
    ];

    /// <summary>Parts of these that no transaction comes by.</summary>
    private static readonly string[] NotHot =
    [
        ".Handover.cs", // From one process to another.
        "Loops/DescriptorSender.cs", // A thread that may wait for its reader.
    ];

    /// <summary>
    /// Beside Core/Pools, Mailbox and the statistics: who counts, stops or joins threads, each with a reason on the line.
    /// </summary>
    private static readonly string[] SharedWords =
        ["FastPool.Base/Mailbox.cs", "FastPool.Base/GivenUp.cs", "FastPool.Base/MemoryRest.cs", "FastPool.Net/Group/LoopGroup.cs",
            "FastPool.Net/Loops/SharedParts.cs",
        "FastPool.Net/Loops/BoundClients.cs", "FastPool.Net/Loops/ClientMoves.cs", "FastPool.Net/Loops/LoopLoads.cs",
            "FastPool.Net/Loops/LoopsInUse.cs", "FastPool.Net/Loops/ResultBudget.cs",
        "FastPool.Core/Sessions/Statements/Statement.cs",
        "FastPool.Core/Sessions/Statements/StatementTable.cs", "FastPool.Core/Sessions/Values/WelcomeParameters.cs",
        "FastPool.Native/Ring.cs"];

    private const string LibcFile = "FastPool.Native/Libc.cs";

    public static TheoryData<string, string[]> ForbiddenNamespaces => new()
    {
        { "FastPool.Base", ["FastPool.Native", "FastPool.Protocol", "FastPool.Core", "FastPool.Net", "FastPool.Control"] },
        { "FastPool.Native", ["FastPool.Protocol", "FastPool.Io", "FastPool.Core", "FastPool.Net", "FastPool.Control"] },
        { "FastPool.Io", ["FastPool.Protocol", "FastPool.Core", "FastPool.Net", "FastPool.Control"] },
        { "FastPool.Protocol",
            ["FastPool.Native", "FastPool.Core", "FastPool.Net", "FastPool.Control", "System.Net.Sockets", "System.IO"] },
        { "FastPool.Core/Settings",
            ["FastPool.Protocol", "FastPool.Core.Auth", "FastPool.Core.Pools", "FastPool.Core.Sessions"] },
        { "FastPool.Core/Auth", ["FastPool.Core.Pools", "FastPool.Core.Sessions", "System.Net.Sockets"] },
        { "FastPool.Core/Pools", ["FastPool.Protocol", "FastPool.Core.Auth", "FastPool.Core.Sessions", "System.Net.Sockets"] },
        { "FastPool.Core/Sessions", ["FastPool.Native", "FastPool.Net", "System.Net.Sockets", "System.Threading"] },
        { "FastPool.Net", ["FastPool.Control"] },
        { "FastPool.Control", ["FastPool.Native", "FastPool.Net"] },
    };

    [Theory]
    [MemberData(nameof(ForbiddenNamespaces))]
    public void A_room_uses_only_the_rooms_it_may(string room, string[] forbidden)
    {
        var breaches =
            from file in SourceTree.In(room)
            from line in file.Lines
            let code = SourceFile.CodeOf(line.Text)
            where !code.TrimStart().StartsWith("namespace ", StringComparison.Ordinal)
            from name in forbidden
            where Regex.IsMatch(code, $@"(?<![\w.]){Regex.Escape(name)}(?![\w])")
            select $"{file.Path}:{line.Number}: {line.Text.Trim()}";
        Assert.Empty(breaches);
    }

    [Fact]
    public void Only_Native_is_unsafe() =>
        Assert.Empty(
        LinesWith(@"\b(unsafe|stackalloc\s+\w+\s*\*|fixed\s*\()\b", file =>
        !file.Path.StartsWith("FastPool.Native/", StringComparison.Ordinal)));

    /// <summary>The bare imports are private there, so that every call gives a value or a negative errno.</summary>
    [Fact]
    public void Only_Libc_binds_the_C_library() =>
        Assert.Empty(
            LinesWithText(@"(LibraryImport|DllImport)\s*\(\s*""libc|\bconst string \w+ = ""libc(\.so\.6)?""", static file =>
            file.Path != LibcFile));

    [Fact]
    public void Errno_is_read_in_one_place()
    {
        var reads = LinesWith(@"\b(GetLastPInvokeError|GetLastSystemError|GetLastWin32Error|SetLastError)\b", static _ => true)
            .ToList();
        Assert.StartsWith(LibcFile + ":", Assert.Single(reads), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_call_of_the_C_library_that_may_fail_has_its_import_hidden()
    {
        var open =
            from line in SourceTree.Files.Single(static file => file.Path == LibcFile).Lines
            where line.Text.Contains("[LibraryImport(", StringComparison.Ordinal)
                && line.Text.Contains("internal", StringComparison.Ordinal)
            where !Regex.IsMatch(line.Text,
                @"\b(GetPid|GetPPid|GetUid|GetEUid|GetEGid|GetGrNam|Exit|TzSet|LocalTime|StrFTime|StrError|OpenLog|Syslog|CloseLog)\(")
            select line.Text.Trim();
        Assert.Empty(open);
    }

    /// <summary>
    /// A peer decides how long its messages are: a place in one is looked at by a pattern, a reader of Protocol or the table of
    /// lengths, which all know where it ends.
    /// </summary>
    [Theory]
    [InlineData("FastPool.Core/Sessions")]
    [InlineData("FastPool.Net")]
    public void No_byte_of_a_message_is_taken_by_its_index(string room) =>
        Assert.Empty(
            LinesWith(@"\b(message|body|packet|unread|received|buffer|tag|text|fields|reply)\[(?![^\]]*\.\.)[^\]]+\]", file =>
            file.Path.StartsWith(room + "/", StringComparison.Ordinal)));

    /// <summary>A length that a peer may choose would overflow the stack, which ends the process: only constants.</summary>
    [Fact]
    public void Every_stackalloc_has_a_constant_length()
    {
        var constants =
            SourceTree.Files.SelectMany(static file =>
            Regex.Matches(file.Text, @"\bconst\s+\w+\s+(\w+)\s*=").Select(static match => match.Groups[1].Value)).ToHashSet();
        var breaches =
            from file in SourceTree.Files
            from line in file.Lines
            where !HasConstantStack(SourceFile.CodeOf(line.Text), constants)
            select $"{file.Path}:{line.Number}: {line.Text.Trim()}";
        Assert.Empty(breaches);
    }

    [Theory]
    [InlineData("Span<byte> bytes = stackalloc byte[request.Size];", false)]
    [InlineData("Span<byte> bytes = stackalloc byte[HeadBytes + Key.Length - 4];", false)]
    [InlineData("Span<byte> bytes = count > 9 ? new byte[count] : stackalloc byte[count];", false)]
    [InlineData("Span<byte> bytes = stackalloc byte[HeadBytes + 16];", true)]
    [InlineData("var text = stackalloc byte*[2];", true)]
    [InlineData("Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];", true)]
    [InlineData("Span<int> numbers = stackalloc[] { 1, 2 };", true)]
    public void The_rule_for_the_stack_finds_what_it_forbids(string line, bool isAllowed) =>
        Assert.Equal(isAllowed, HasConstantStack(line, ["HeadBytes"]));

    private static bool HasConstantStack(string code, HashSet<string> constants) =>
        Regex.Matches(code, @"stackalloc[^\[]*\[([^\]]*)\]")
            .SelectMany(static match => Regex.Matches(match.Groups[1].Value, @"[A-Za-z_][\w.]*"))
            .All(name => name.Value.EndsWith(".HashSizeInBytes", StringComparison.Ordinal)
                || (constants.Contains(name.Value.Split('.')[^1]) && (!name.Value.Contains('.') || char.IsUpper(name.Value[0]))));

    [Fact]
    public void Words_shared_between_threads_have_their_places() =>
        Assert.Empty(LinesWith(@"\b(Interlocked|Volatile)\.", file => !IsForSharedWords(file)));

    [Fact]
    public void Every_interlocked_word_names_its_partner()
    {
        var breaches =
            from file in SourceTree.Files
            where file.Path.StartsWith("FastPool.Core/Pools/", StringComparison.Ordinal) || file.Name == "Mailbox.cs"
            let lines = file.Text.Split('\n')
            from i in Enumerable.Range(0, lines.Length)
            where Regex.IsMatch(SourceFile.CodeOf(lines[i]), @"\bInterlocked\.")
            where !lines[Math.Max(0, i - 2)..Math.Min(lines.Length, i + 3)]
                .Any(line => line.Contains("Pairs:", StringComparison.Ordinal))
            where !IsCounter(lines[i])
            select $"{file.Path}:{i + 1}: {lines[i].Trim()}";
        Assert.Empty(breaches);
    }

    /// <summary>A count that announces nothing to other threads has no partner.</summary>
    private static bool IsCounter(string line) => Regex.IsMatch(line, @"Interlocked\.(Increment|Decrement)");

    [Fact]
    public void The_hot_files_wait_for_nothing_and_query_nothing() =>
        Assert.Empty(
            LinesWith(
            @"\b(async|await|Task|ValueTask|lock|Thread)\b|using System\.Linq|\.(Select|Where|Any|ToList|ToArray|OrderBy|First|FirstOrDefault)\(", IsHot));

    [Fact]
    public void Every_hot_path_is_there()
    {
        Assert.All(Hot, static start =>
            Assert.Contains(SourceTree.Files, file => file.Path.StartsWith(start, StringComparison.Ordinal)));
        Assert.All(NotHot, static end =>
            Assert.Contains(SourceTree.Files, file => file.Path.EndsWith(end, StringComparison.Ordinal)));
    }

    private static bool IsHot(SourceFile file) =>
        Array.Exists(Hot, start => file.Path.StartsWith(start, StringComparison.Ordinal))
            && !Array.Exists(NotHot, end => file.Path.EndsWith(end, StringComparison.Ordinal));

    [Theory]
    [InlineData("FastPool.Core/Pools")]
    [InlineData("FastPool.Core/Sessions")]
    public void Pools_and_sessions_take_time_and_chance_from_their_ports(string room) =>
        Assert.Empty(
            LinesWith(@"\b(DateTime|DateTimeOffset|Stopwatch|Random\.Shared|RandomNumberGenerator|Guid|Environment)\b", file =>
            file.Path.StartsWith(room + "/", StringComparison.Ordinal)));

    [Fact]
    public void The_assemblies_reference_only_what_is_below_them()
    {
        string[] order =
            ["FastPool.Base", "FastPool.Native", "FastPool.Io", "FastPool.Protocol", "FastPool.Core", "FastPool.Net",
            "FastPool.Control"];
        var breaches =
            from type in new[] { typeof(FastPool.Base.Check), typeof(FastPool.Native.Errno), typeof(FastPool.Io.Engine),
                typeof(FastPool.Protocol.MessageHeader), typeof(FastPool.Core.Pools.Pool), typeof(FastPool.Net.LoopGroup) }
            let assembly = type.Assembly.GetName().Name!
            from reference in type.Assembly.GetReferencedAssemblies()
            where Array.IndexOf(order, reference.Name) > Array.IndexOf(order, assembly)
                || (assembly is "FastPool.Core" or "FastPool.Protocol" && reference.Name is "FastPool.Native" or "FastPool.Io")
            select $"{assembly} → {reference.Name}";
        Assert.Empty(breaches);
    }

    /// <summary>Work done in many places is done wrong in one: each of these has one door.</summary>
    [Theory]
    [InlineData(@"\.Link = (?!new )", "FastPool.Core/Sessions/Links/Link.cs")]
    [InlineData(@"\bOther = ", "FastPool.Net/Loops/MessageEndpoint.cs")]
    [InlineData(@"\bPool\.Return\(", "FastPool.Net/Servers/ServerConnection.cs")]
    [InlineData(@"\bPhase = ", "FastPool.Core/Sessions/ServerSession.cs")]
    [InlineData(@"\b[Ss]erver\.State = ", "FastPool.Core/Pools/PoolMover.cs")]
    public void A_link_and_a_server_s_life_have_one_door(string pattern, string door)
    {
        Assert.Empty(LinesWith(pattern, file => file.Path != door));
        Assert.NotEmpty(LinesWith(pattern, file => file.Path == door));
    }

    /// <summary>
    /// Files and folders of a room do not lean on each other in circles, but for the few that tools/house.py names.
    /// </summary>
    [Fact]
    public void No_room_has_new_circles_inside()
    {
        var start =
            new ProcessStartInfo("python3",
            [Path.Combine(SourceTree.Folder, "..", "tools", "house.py"), "--check"])
            { RedirectStandardOutput = true };
        using var house = System.Diagnostics.Process.Start(start)!;
        var output = house.StandardOutput.ReadToEnd();
        house.WaitForExit();
        Assert.True(house.ExitCode == 0, output);
    }

    private static bool IsForSharedWords(SourceFile file) =>
        file.Path.StartsWith("FastPool.Core/Pools/", StringComparison.Ordinal)
            || file.Path.StartsWith("FastPool.Control/", StringComparison.Ordinal) || SharedWords.Contains(file.Path);

    /// <summary>The same with the contents of strings.</summary>
    private static IEnumerable<string> LinesWithText(string pattern, Func<SourceFile, bool> where) =>
        from file in SourceTree.Files
        where @where(file)
        from line in file.Lines
        where Regex.IsMatch(line.Text, pattern)
        select $"{file.Path}:{line.Number}: {line.Text.Trim()}";

    private static IEnumerable<string> LinesWith(string pattern, Func<SourceFile, bool> where) =>
        from file in SourceTree.Files
        where @where(file)
        from line in file.Lines
        where Regex.IsMatch(SourceFile.CodeOf(line.Text), pattern)
        select $"{file.Path}:{line.Number}: {line.Text.Trim()}";
}
