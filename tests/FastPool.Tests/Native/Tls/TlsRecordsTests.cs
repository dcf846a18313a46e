using System.Buffers.Binary;
using FastPool.Native;

namespace FastPool.Tests.Native;

/// <summary>Records of our own against a second implementation, and against the numbers of RFC 8448.</summary>
public sealed class TlsRecordsTests
{
    private const byte TicketMessage = 4;

    private readonly TlsTransfer _transfer = new();
    private readonly byte[] _plain = new byte[256 * 1024];

    public static TheoryData<int> Suites => [(int)RecordSuite.Aes128Gcm, (int)RecordSuite.Aes256Gcm,
        (int)RecordSuite.ChaCha20Poly1305];

    private byte[] Receive(TlsRecords records, ReadOnlySpan<byte> cipher, TlsOutcome expected = TlsOutcome.Open)
    {
        Assert.Equal(expected, records.Receive(_transfer, cipher, _plain, out var count));
        return _plain[..count];
    }

    private byte[] TakeOutput()
    {
        var output = _transfer.Output.ToArray();
        _transfer.ClearOutput();
        return output;
    }

    private byte[] Write(TlsRecords records, ReadOnlySpan<byte> plain)
    {
        Assert.True(records.Write(_transfer, plain));
        return TakeOutput();
    }

    // ---- RFC 8448, 3: Simple 1-RTT Handshake -------------------------------------------------------------------------

    private const string ClientSecret = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
    private const string ServerSecret = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
    private const string ClientData = "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a"
        + "6292a2977014bd1e3deae63aeebb21694915e4";
    private const string ServerData = "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c"
        + "0047c2abf332540dd032e167c2955d";
    private const string ClientGoodbye = "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3";
    private const string ServerGoodbye = "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9";

    private static TlsRecords OfRfc(bool isServer) =>
        RecordPeer.Begin(RecordSuite.Aes128Gcm, Convert.FromHexString(ClientSecret), Convert.FromHexString(ServerSecret),
            isServer);

    private static byte[] Payload => [.. Enumerable.Range(0, 50).Select(static i => (byte)i)];

    [Fact]
    public void A_client_says_what_RFC_8448_says()
    {
        var ours = OfRfc(isServer: false);
        Assert.Equal(ClientData, Convert.ToHexStringLower(Write(ours, Payload)));
        ours.SayGoodbye(_transfer);
        Assert.Equal(ClientGoodbye, Convert.ToHexStringLower(TakeOutput()));
    }

    [Fact]
    public void A_server_understands_and_says_what_RFC_8448_says()
    {
        var ours = OfRfc(isServer: true);
        Assert.Equal(Payload, Receive(ours, Convert.FromHexString(ClientData)));
        Receive(ours, Convert.FromHexString(ClientGoodbye), TlsOutcome.Closed);
        Assert.True(ours.IsPeerClosed);
        Write(ours, "the ticket has the first number"u8);
        Assert.Equal(ServerData, Convert.ToHexStringLower(Write(ours, Payload)));
        ours.SayGoodbye(_transfer);
        Assert.Equal(ServerGoodbye, Convert.ToHexStringLower(TakeOutput()));
    }

    // ---- both ways ----------------------------------------------------------------------------------------------------

    [Theory, MemberData(nameof(Suites))]
    public void Plaintext_comes_out_as_it_went_in_however_the_bytes_are_cut(int suite)
    {
        var (ours, peer) = RecordPeer.Pair((RecordSuite)suite);
        var random = new Random(suite);
        for (var round = 0; round < 60; round++)
        {
            var words = new List<byte>();
            var stream = new List<byte>();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                var word = new byte[random.Next(4) == 0 ? random.Next(16_385) : random.Next(300)];
                random.NextBytes(word);
                words.AddRange(word);
                stream.AddRange(peer.Seal(RecordPeer.Data, word, word.Length < 16_000 ? random.Next(50) : 0));
                if (random.Next(5) == 0) stream.AddRange(peer.UpdateKey(isAsking: false));
            }
            var cipher = stream.ToArray();
            var heard = new List<byte>();
            for (var at = 0; at < cipher.Length;)
            {
                var piece = random.Next(4) switch { 0 => 1, 1 => 7, 2 => random.Next(1, 20_000), _ => cipher.Length };
                piece = Math.Min(cipher.Length - at, piece);
                heard.AddRange(Receive(ours, cipher.AsSpan(at, piece)));
                at += piece;
            }
            Assert.Equal(words, heard);

            var said = new byte[random.Next(1, TlsTransfer.PlainBytesMax + 1)];
            random.NextBytes(said);
            Assert.Equal(said, peer.Open(Write(ours, said)).SelectMany(static record => record.Content));
        }
    }

    [Fact]
    public void A_roundtrip_allocates_nothing()
    {
        var (client, server) = (new byte[48], new byte[48]);
        var one = RecordPeer.Begin(RecordSuite.Aes256Gcm, client, server, isServer: true);
        var other = RecordPeer.Begin(RecordSuite.Aes256Gcm, client, server, isServer: false);
        var cipher = new byte[1000];
        var before = 0L;
        for (var i = 0; i < 200; i++)
        {
            if (i == 100) before = GC.GetAllocatedBytesForCurrentThread();
            one.Write(_transfer, _plain.AsSpan(0, 300));
            var count = _transfer.Output.Length;
            _transfer.Output.CopyTo(cipher);
            _transfer.ClearOutput();
            other.Receive(_transfer, cipher.AsSpan(0, 20), _plain, out _);
            other.Receive(_transfer, cipher.AsSpan(20, count - 20), _plain, out var got);
            if (got != 300) Assert.Fail($"{got} bytes");
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_connection_takes_at_most_250_bytes()
    {
        var kept = new TlsRecords[1000];
        var state = FreshState();
        TlsRecords.TryRestore(state, _transfer)!.Free(_transfer);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < kept.Length; i++) kept[i] = TlsRecords.TryRestore(state, _transfer)!;
        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / kept.Length;
        Assert.InRange(each, 1, 250 - RecordKeyPair.Bytes);
        foreach (var records in kept) records.Free(_transfer);
    }

    private byte[] FreshState()
    {
        var (ours, _) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        var state = ours.Give();
        ours.Free(_transfer);
        return state;
    }

    [Fact]
    public void More_connections_than_cipher_contexts_do_not_mix_up_their_keys()
    {
        var pairs = Enumerable.Range(0, 400).Select(static seed => RecordPeer.Pair((RecordSuite)(seed % 3 + 1), seed)).ToArray();
        var random = new Random(5);
        for (var i = 0; i < 3_000; i++)
        {
            var (ours, peer) = pairs[random.Next(pairs.Length)];
            byte[] text = [.. BitConverter.GetBytes(i)];
            if (random.Next(20) == 0) Receive(ours, peer.UpdateKey(isAsking: false));
            Assert.Equal(text, Receive(ours, peer.Seal(RecordPeer.Data, text)));
            Assert.Equal(text, peer.Open(Write(ours, text)).Single().Content);
            if (random.Next(50) == 0) ours.Leave(_transfer);
        }
    }

    // ---- new keys -----------------------------------------------------------------------------------------------------

    [Theory, MemberData(nameof(Suites))]
    public void A_peer_that_asks_for_new_keys_many_times_is_answered_once_with_our_next_words(int suite)
    {
        var (ours, peer) = RecordPeer.Pair((RecordSuite)suite);
        for (var i = 0; i < 3; i++) Receive(ours, peer.UpdateKey(isAsking: true));
        Assert.Empty(TakeOutput());
        Assert.Equal("new"u8.ToArray(), Receive(ours, peer.Seal(RecordPeer.Data, "new"u8)));
        var output = Write(ours, "words"u8);
        var update = peer.Open(output.AsSpan(0, 27)).Single();
        Assert.Equal((RecordPeer.Handshake, "1800000100"), (update.Type, Convert.ToHexString(update.Content)));
        peer.NextReceivingKey();
        Assert.Equal("words"u8.ToArray(), peer.Open(output.AsSpan(27)).Single().Content);
        Assert.Equal("more"u8.ToArray(), peer.Open(Write(ours, "more"u8)).Single().Content);
    }

    [Theory]
    [InlineData((int)RecordSuite.Aes128Gcm, 1UL << 24)]
    [InlineData((int)RecordSuite.Aes256Gcm, 1UL << 24)]
    [InlineData((int)RecordSuite.ChaCha20Poly1305, 1UL << 48)]
    public void A_key_is_changed_before_it_has_been_used_too_often(int suite, ulong most)
    {
        var (ours, peer) = RecordPeer.Pair((RecordSuite)suite);
        ours = At(ours, received: most - 1, sent: most - 1);
        peer.Skip(most - 1, most - 1);
        Assert.Single(peer.Open(Write(ours, "last of the old key"u8)));
        var output = Write(ours, "first of the new"u8);
        Assert.Equal("1800000100", Convert.ToHexString(peer.Open(output.AsSpan(0, 27)).Single().Content));
        peer.NextReceivingKey();
        Assert.Equal("first of the new"u8.ToArray(), peer.Open(output.AsSpan(27)).Single().Content);

        Receive(ours, peer.Seal(RecordPeer.Data, "the peer's key is as old"u8));
        output = Write(ours, "so it is asked for another"u8);
        Assert.Equal("1800000101", Convert.ToHexString(peer.Open(output.AsSpan(0, 27)).Single().Content));
        peer.NextReceivingKey();
        Assert.Single(peer.Open(output.AsSpan(27)));
        Receive(ours, peer.UpdateKey(isAsking: false));
        Assert.Equal("new"u8.ToArray(), Receive(ours, peer.Seal(RecordPeer.Data, "new"u8)));
        Assert.Single(peer.Open(Write(ours, "and is asked once"u8)));
    }

    [Fact]
    public void No_record_is_taken_under_the_last_number()
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes256Gcm);
        ours = At(ours, received: ulong.MaxValue, sent: 0);
        peer.Skip(ulong.MaxValue, 0);
        Assert.Empty(Receive(ours, peer.Seal(RecordPeer.Data, "x"u8), TlsOutcome.Failed));
    }

    /// <summary>The same connection, older.</summary>
    private TlsRecords At(TlsRecords records, ulong received, ulong sent)
    {
        const int head = 11, direction = 100;
        var state = records.Give();
        BinaryPrimitives.WriteUInt64LittleEndian(state.AsSpan(head + direction - 8), received);
        BinaryPrimitives.WriteUInt64LittleEndian(state.AsSpan(head + 2 * direction - 8), sent);
        records.Free(_transfer);
        return TlsRecords.TryRestore(state, _transfer)!;
    }

    // ---- messages in records ------------------------------------------------------------------------------------------

    [Fact]
    public void Tickets_and_a_new_key_may_share_records_and_be_cut_by_them()
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm, isServer: false);
        byte[] ticket = [TicketMessage, 0, 1, 0, .. new byte[256]];
        byte[] messages = [.. ticket, .. ticket, 24, 0, 0, 1, 0];
        foreach (var cut in (int[])[1, 3, 100, 259, 260, 261, 300, 519, 520, 521, 523])
        {
            Receive(ours, peer.Seal(RecordPeer.Handshake, messages.AsSpan(0, cut)));
            Receive(ours, peer.Seal(RecordPeer.Handshake, messages.AsSpan(cut)));
            peer.NextSendingKey();
            Assert.Equal("x"u8.ToArray(), Receive(ours, peer.Seal(RecordPeer.Data, "x"u8)));
        }
    }

    public static TheoryData<string, byte, string, int> Misdeeds => new()
    {
        { "a ticket from a client", RecordPeer.Handshake, "04000001ff", 10 },
        { "a ticket longer than any", RecordPeer.Handshake, "04ffffff00", 10 },
        { "a second ClientHello", RecordPeer.Handshake, "01000000", 10 },
        { "an empty handshake record", RecordPeer.Handshake, "", 10 },
        { "a KeyUpdate with a word too many", RecordPeer.Handshake, "180000020000", 50 },
        { "a KeyUpdate without a word", RecordPeer.Handshake, "18000000", 50 },
        { "a KeyUpdate with a wrong word", RecordPeer.Handshake, "1800000102", 47 },
        { "something behind a KeyUpdate", RecordPeer.Handshake, "18000001001800000100", 10 },
        { "an alert with half of it missing", RecordPeer.Alert, "01", 10 },
        { "two alerts in one", RecordPeer.Alert, "01000100", 10 },
        { "an empty alert", RecordPeer.Alert, "", 10 },
        { "a ChangeCipherSpec", 20, "01", 10 },
        { "an unknown kind", 99, "00", 10 },
        { "no kind at all", 0, "000000", 10 },
    };

    [Theory, MemberData(nameof(Misdeeds))]
    public void Content_that_has_no_place_in_a_record_ends_the_connection_with_the_right_alert(string what, byte type,
        string content, int alert)
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes256Gcm);
        byte[] stream = [.. peer.Seal(RecordPeer.Data, "before"u8), .. peer.Seal(type, Convert.FromHexString(content))];
        Receive(ours, stream, TlsOutcome.Failed);
        Assert.True(ours.IsBroken, what);
        Assert.Equal((RecordPeer.Alert, $"02{alert:X2}"), Told(peer));
        Receive(ours, peer.Seal(RecordPeer.Data, "more"u8), TlsOutcome.Failed);
        Assert.False(ours.Write(_transfer, "x"u8));
        Assert.Empty(TakeOutput());
    }

    private (byte, string) Told(RecordPeer peer)
    {
        var (type, content) = Assert.Single(peer.Open(TakeOutput()));
        return (type, Convert.ToHexString(content));
    }

    [Theory]
    [InlineData("a plain alert", "15030300020100", 10, "bad record type")]
    [InlineData("a ChangeCipherSpec in plain view", "140303000101", 10, "bad record type")]
    [InlineData("a plain handshake", "160303000401000000", 10, "bad record type")]
    [InlineData("no TLS at all", "474554202f20485454502f312e310d0a", 10, "bad record type")]
    [InlineData("longer than any record", "1703034101", 22, "encrypted length too long")]
    [InlineData("too short for a tag", "170303000f", 20, "decryption failed or bad record mac")]
    [InlineData("garbage", "1703030011ffffffffffffffffffffffffffffffffff", 20, "decryption failed or bad record mac")]
    public void A_record_that_is_not_sealed_ends_the_connection_before_it_is_looked_at(string what, string bytes, int alert,
        string text)
    {
        foreach (var isCut in (bool[])[false, true])
        {
            var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes256Gcm);
            var cipher = Convert.FromHexString(bytes);
            if (isCut) Receive(ours, cipher.AsSpan(0, 3));
            Receive(ours, cipher.AsSpan(isCut ? 3 : 0), TlsOutcome.Failed);
            Assert.Equal((RecordPeer.Alert, $"02{alert:X2}"), Told(peer));
            Assert.True(ours.Problem.StartsWith("read failed: error:0A000", StringComparison.Ordinal)
                && ours.Problem.EndsWith("SSL routines::" + text, StringComparison.Ordinal), what + ": " + ours.Problem);
        }
    }

    [Fact]
    public void Sealed_content_may_be_as_long_as_a_record_may_be_and_no_longer()
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        Assert.Equal(16_384, Receive(ours, peer.Seal(RecordPeer.Data, new byte[16_384])).Length);
        Assert.Equal(100, Receive(ours, peer.Seal(RecordPeer.Data, new byte[100], padding: 16_284)).Length);
        Assert.Empty(Receive(ours, peer.Seal(RecordPeer.Data, [], padding: 16_384)));
        Receive(ours, peer.Seal(RecordPeer.Data, new byte[100], padding: 16_285), TlsOutcome.Failed);
        Assert.Equal((RecordPeer.Alert, "0216"), Told(peer));
    }

    [Theory]
    [InlineData(40, "sslv3 alert handshake failure")]
    [InlineData(48, "tlsv1 alert unknown ca")]
    [InlineData(116, "tlsv13 alert certificate required")]
    public void A_peer_that_gives_up_is_not_answered(byte alert, string text)
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        Receive(ours, peer.Seal(RecordPeer.Alert, [1, alert]), TlsOutcome.Failed); // Its level says nothing.
        Assert.EndsWith("SSL routines::" + text, ours.Problem, StringComparison.Ordinal);
        Assert.Empty(TakeOutput());
    }

    [Fact]
    public void Behind_a_goodbye_nothing_is_heard()
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        byte[] stream =
            [.. peer.Seal(RecordPeer.Data, "last words"u8), .. peer.Seal(RecordPeer.Alert, [1, 90]),
                .. peer.Seal(RecordPeer.Alert, [1, 0]), .. "GET / HTTP/1.1"u8];
        Assert.Equal("last words"u8.ToArray(), Receive(ours, stream, TlsOutcome.Closed));
        Receive(ours, "more"u8, TlsOutcome.Closed);
        Assert.Empty(TakeOutput());
    }

    [Theory]
    [InlineData("new keys")]
    [InlineData("empty records")]
    [InlineData("both, cut by another process")]
    public void Nobody_keeps_us_busy_with_records_that_bring_nothing(string what)
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes256Gcm);
        byte[] Nothing(int i) => what == "new keys" || (what[0] == 'b' && i % 2 == 0) ? peer.UpdateKey(isAsking: true)
            : peer.Seal(RecordPeer.Data, [], padding: 9);
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 32; i++) Receive(ours, Nothing(i));
            Assert.Equal("x"u8.ToArray(), Receive(ours, peer.Seal(RecordPeer.Data, "x"u8)));
        }
        for (var i = 0; i < 32; i++) Receive(ours, Nothing(i));
        if (what[0] == 'b') ours = TlsRecords.TryRestore(ours.Give(), _transfer)!;
        Receive(ours, Nothing(0), TlsOutcome.Failed);
        Assert.EndsWith("too many key updates", ours.Problem, StringComparison.Ordinal);
        Assert.Equal((RecordPeer.Alert, "020A"), Told(peer));
    }

    [Fact]
    public void Keys_that_were_given_away_seal_nothing_more()
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        var there = TlsRecords.TryRestore(ours.Give(), _transfer)!;
        Assert.False(ours.Write(_transfer, "x"u8));
        Assert.Empty(TakeOutput());
        (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        ours.Give();
        ours.SayGoodbye(_transfer);
        Assert.Empty(TakeOutput());
        ours.TakeBack();
        Assert.Equal("x"u8.ToArray(), peer.Open(Write(ours, "x"u8)).Single().Content);
        Assert.NotNull(there);
    }

    [Fact]
    public void Nothing_may_come_in_the_middle_of_a_message()
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        Receive(ours, peer.Seal(RecordPeer.Handshake, [24, 0]));
        Receive(ours, peer.Seal(RecordPeer.Data, "x"u8), TlsOutcome.Failed);
        Assert.Equal((RecordPeer.Alert, "020A"), Told(peer));
    }

    [Fact]
    public void A_record_counts_once_and_in_its_place()
    {
        foreach (var isSwapped in (bool[])[false, true])
        {
            var (ours, peer) = RecordPeer.Pair(RecordSuite.ChaCha20Poly1305);
            var (first, second) = (peer.Seal(RecordPeer.Data, "1"u8), peer.Seal(RecordPeer.Data, "2"u8));
            if (!isSwapped) Receive(ours, first);
            Assert.Empty(Receive(ours, isSwapped ? second : first, TlsOutcome.Failed));
            Assert.Equal((RecordPeer.Alert, "0214"), Told(peer));
        }
    }

    // ---- another process ----------------------------------------------------------------------------------------------

    [Theory, MemberData(nameof(Suites))]
    public void A_connection_goes_on_elsewhere_wherever_it_was_cut(int suite)
    {
        var (ours, peer) = RecordPeer.Pair((RecordSuite)suite, isServer: false);
        var elsewhere = new TlsTransfer();
        byte[] message = [24, 0, 0, 1, 1];
        byte[] stream = [.. peer.Seal(RecordPeer.Data, "one "u8), .. peer.Seal(RecordPeer.Handshake, message.AsSpan(0, 2)),
            .. peer.Seal(RecordPeer.Handshake, message.AsSpan(2))];
        peer.NextSendingKey();
        stream = [.. stream, .. peer.Seal(RecordPeer.Data, "two"u8)];
        var heard = new List<byte>();
        foreach (var piece in stream)
        {
            heard.AddRange(Receive(ours, [piece]));
            var state = ours.Give();
            ours.Free(_transfer);
            ours = TlsRecords.TryRestore(state, elsewhere)!;
        }
        Assert.Equal("one two"u8.ToArray(), heard);
        var output = Write(ours, "answer"u8);
        Assert.Equal(RecordPeer.Handshake, peer.Open(output.AsSpan(0, 27)).Single().Type);
        peer.NextReceivingKey();
        Assert.Equal("answer"u8.ToArray(), peer.Open(output.AsSpan(27)).Single().Content);
    }

    [Fact]
    public void State_that_was_never_saved_is_not_taken()
    {
        var (ours, _) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        Receive(ours, [23, 3, 3, 1, 0, 9]);
        var state = ours.Give();
        Assert.NotNull(TlsRecords.TryRestore(state, _transfer));
        Assert.Null(TlsRecords.TryRestore(state.AsSpan(0, state.Length - 1), _transfer));
        Assert.Null(TlsRecords.TryRestore([], _transfer));
        foreach (var (place, value) in ((int, byte)[])[(0, 9), (1, 0), (1, 4), (2, 128), (3, 5), (8, 7), (211, 21)])
        {
            var broken = state.ToArray();
            broken[place] = value;
            Assert.Null(TlsRecords.TryRestore(broken, _transfer));
        }
    }

    [Fact]
    public void No_key_stays_behind_in_the_contexts_that_many_connections_share()
    {
        var pairs = Enumerable.Range(0, 300).Select(static seed => RecordPeer.Pair(RecordSuite.Aes128Gcm, seed)).ToList();
        foreach (var (ours, _) in pairs.Take(128)) Write(ours, "they only speak"u8);
        foreach (var (ours, peer) in pairs.Skip(128))
        {
            Receive(ours, peer.Seal(RecordPeer.Data, "they only listen, in the places of the others"u8));
            Assert.InRange(_transfer.Ciphers.KeyCount, 1, 128); // The keys of those whose place it was are gone.
        }
        var (renewed, other) = pairs[^1];
        Receive(renewed, other.Seal(RecordPeer.Handshake, [24, 0, 0, 1, 0]));
        foreach (var (ours, _) in pairs) ours.Free(_transfer);
        Assert.Equal(0, _transfer.Ciphers.KeyCount);
    }

    [Fact]
    public void A_peer_that_only_listens_may_renew_its_keys_as_often_as_it_likes()
    {
        var (ours, peer) = RecordPeer.Pair(RecordSuite.Aes128Gcm);
        for (var i = 0; i < 100; i++)
        {
            Receive(ours, peer.Seal(RecordPeer.Handshake, [24, 0, 0, 1, 0]));
            peer.NextSendingKey();
            Write(ours, "a long COPY"u8);
        }
    }
}
