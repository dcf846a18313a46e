using FastPool.Protocol;

namespace FastPool.Generators.Tests;

/// <summary>
/// One row a message: its bytes as the manual lays them out, the value which they mean, and a random value. The bytes are
/// hex, with text in quotes.
/// </summary>
internal static class MessageCases
{
    public static readonly MessageCase[] All =
    [
        new MessageCase<StartupMessage>(
            "00000012 00030000 'user' 00 'bob' 00 00",
            () => new StartupMessage { ProtocolVersion = 0x0003_0000, Parameters = "user\0bob\0\0"u8 },
            random => new StartupMessage { ProtocolVersion = random.Int32(), Parameters = random.Data() }),
        new MessageCase<CancelRequest>(
            "00000010 04d2162e 00000007 01020304",
            () => new CancelRequest { ProcessId = 7, SecretKey = "\u0001\u0002\u0003\u0004"u8 },
            random => new CancelRequest { ProcessId = random.Int32(), SecretKey = random.Data() }),
        new MessageCase<PasswordMessage>(
            "'p' 0000000b 'secret' 00",
            () => new PasswordMessage { Password = "secret"u8 },
            random => new PasswordMessage { Password = random.Text() }),
        new MessageCase<SASLInitialResponse>(
            "'p' 00000019 'SCRAM-SHA-256' 00 00000003 'n,,'",
            () => new SASLInitialResponse { Mechanism = "SCRAM-SHA-256"u8, ResponseLength = 3, Response = "n,,"u8 },
            random => new SASLInitialResponse
            { Mechanism = random.Text(), ResponseLength = random.Int32(), Response = random.Data() }),
        new MessageCase<SASLResponse>(
            "'p' 0000000a 'c=biws'",
            () => new SASLResponse { Data = "c=biws"u8 },
            random => new SASLResponse { Data = random.Data() }),
        new MessageCase<Query>(
            "'Q' 0000000d 'SELECT 1' 00",
            () => new Query { Text = "SELECT 1"u8 },
            random => new Query { Text = random.Text() }),
        new MessageCase<Parse>(
            "'P' 00000017 's1' 00 'SELECT $1' 00 0001 00000017",
            () => new Parse { Statement = "s1"u8, Query = "SELECT $1"u8, ParameterTypes = "\0\u0001\0\0\0\u0017"u8 },
            random => new Parse { Statement = random.Text(), Query = random.Text(), ParameterTypes = random.Data() }),
        new MessageCase<Bind>(
            "'B' 00000010 'p1' 00 's1' 00 000000000000",
            () => new Bind { Portal = "p1"u8, Statement = "s1"u8, Arguments = "\0\0\0\0\0\0"u8 },
            random => new Bind { Portal = random.Text(), Statement = random.Text(), Arguments = random.Data() }),
        new MessageCase<Describe>(
            "'D' 00000008 'S' 's1' 00",
            () => new Describe { Kind = (byte)'S', Name = "s1"u8 },
            random => new Describe { Kind = random.Byte(), Name = random.Text() }),
        new MessageCase<Close>(
            "'C' 00000008 'S' 's1' 00",
            () => new Close { Kind = (byte)'S', Name = "s1"u8 },
            random => new Close { Kind = random.Byte(), Name = random.Text() }),
        new MessageCase<Execute>(
            "'E' 0000000b 'p1' 00 00000064",
            () => new Execute { Portal = "p1"u8, MaxRows = 100 },
            random => new Execute { Portal = random.Text(), MaxRows = random.Int32() }),
        new MessageCase<AuthenticationRequest>(
            "'R' 00000009 00000007 'x'",
            () => new AuthenticationRequest { Kind = 7, Data = "x"u8 },
            random => new AuthenticationRequest { Kind = random.Int32(), Data = random.Data() }),
        new MessageCase<AuthenticationMD5Password>(
            "'R' 0000000c 00000005 'salt'",
            () => new AuthenticationMD5Password { Salt = "salt"u8 },
            random => new AuthenticationMD5Password { Salt = random.Data(4) }),
        new MessageCase<AuthenticationSASL>(
            "'R' 00000017 0000000a 'SCRAM-SHA-256' 00 00",
            () => new AuthenticationSASL { Mechanisms = "SCRAM-SHA-256\0\0"u8 },
            random => new AuthenticationSASL { Mechanisms = random.Data() }),
        new MessageCase<AuthenticationSASLContinue>(
            "'R' 0000000b 0000000b 'r=1'",
            () => new AuthenticationSASLContinue { Data = "r=1"u8 },
            random => new AuthenticationSASLContinue { Data = random.Data() }),
        new MessageCase<AuthenticationSASLFinal>(
            "'R' 0000000b 0000000c 'v=1'",
            () => new AuthenticationSASLFinal { Data = "v=1"u8 },
            random => new AuthenticationSASLFinal { Data = random.Data() }),
        new MessageCase<BackendKeyData>(
            "'K' 0000000c 00000007 'key!'",
            () => new BackendKeyData { ProcessId = 7, SecretKey = "key!"u8 },
            random => new BackendKeyData { ProcessId = random.Int32(), SecretKey = random.Data() }),
        new MessageCase<ParameterStatus>(
            "'S' 00000011 'TimeZone' 00 'GMT' 00",
            () => new ParameterStatus { Name = "TimeZone"u8, Value = "GMT"u8 },
            random => new ParameterStatus { Name = random.Text(), Value = random.Text() }),
        new MessageCase<ReadyForQuery>(
            "'Z' 00000005 'T'",
            () => new ReadyForQuery { Status = (byte)'T' },
            random => new ReadyForQuery { Status = random.Byte() }),
        new MessageCase<CommandComplete>(
            "'C' 0000000d 'SELECT 1' 00",
            () => new CommandComplete { Tag = "SELECT 1"u8 },
            random => new CommandComplete { Tag = random.Text() }),
        new MessageCase<DataRow>(
            "'D' 0000000b 0001 00000001 '1'",
            () => new DataRow { ColumnCount = 1, Columns = "\0\0\0\u00011"u8 },
            random => new DataRow { ColumnCount = random.Int16(), Columns = random.Data() }),
        new MessageCase<RowDescription>(
            "'T' 0000000b 0001 'a' 00 '...'",
            () => new RowDescription { ColumnCount = 1, Columns = "a\0..."u8 },
            random => new RowDescription { ColumnCount = random.Int16(), Columns = random.Data() }),
        new MessageCase<NegotiateProtocolVersion>(
            "'v' 00000013 00030000 00000001 '_pq_.x' 00",
            () => new NegotiateProtocolVersion { NewestVersion = 0x0003_0000, OptionCount = 1, Options = "_pq_.x\0"u8 },
            random => new NegotiateProtocolVersion
            { NewestVersion = random.Int32(), OptionCount = random.Int32(), Options = random.Data() }),
    ];
}
