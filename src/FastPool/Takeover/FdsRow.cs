using System.Globalization;
using FastPool.Base;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Protocol;

namespace FastPool.Takeover;

/// <summary>
/// A row of SHOW FDS as PgBouncer writes it. Columns missing at the end count as NULL, unknown ones behind them are not looked
/// at: versions differ in that.
/// </summary>
internal sealed class FdsRow
{
    private const int ColumnCount = 15;
    private const string Invalid = "invalid data from old process";

    private readonly string?[] _values = new string?[ColumnCount];

    private FdsRow()
    {
    }

    internal string Task => Required(1);
    internal int Descriptor => (int)Number(0);
    internal string? User => _values[2];
    internal string? Database => _values[3];
    internal string Address => Required(4);
    internal int Port => (int)Number(5);
    internal ulong CancelKey =>
        _values[6] is { } text ? ulong.TryParse(text, out var key) ? key : throw new FatalError(Invalid) : 0;
    internal int LinkedDescriptor => (int)Number(7);
    internal string? Password => _values[12];
    internal byte[]? ClientKey => Key(13);
    internal byte[]? ServerKey => Key(14);

    internal IReadOnlyList<(string Name, string Value)> Parameters
    {
        get
        {
            var parameters = new List<(string, string)>();
            foreach (
                var (name, column) in (ReadOnlySpan<(string, int)>)[("client_encoding", 8), ("standard_conforming_strings", 9),
                ("DateStyle", 10), ("TimeZone", 11)])
            {
                if (_values[column] is { } value) parameters.Add((name, value));
            }
            return parameters;
        }
    }

    /// <exception cref="FatalError">This is no such row.</exception>
    internal static FdsRow Read(ReadOnlySpan<byte> body)
    {
        if (!DataRow.TryRead(body, out var message)) throw new FatalError(Invalid);
        var row = new FdsRow();
        var columns = new DataRowColumns(message);
        for (var i = 0; columns.MoveNext(); i++)
        {
            if (i < ColumnCount && !columns.IsNull) row._values[i] = ByteText.Of(columns.Value);
        }
        if (columns.IsMalformed) throw new FatalError(Invalid);
        return row;
    }

    internal HandedClient ToClient(int descriptor) => new()
    {
        Descriptor = descriptor,
        Database = Database!,
        User = User!,
        Remote = EndAddress.Parse(Address, Port),
        Local = EndOf(descriptor),
        UnixPort = Port,
        PeerPid = Address == "unix" ? Native.Sockets.PeerCredentials(descriptor).Pid : 0,
        CancelKey = CancelKey,
        LinkedDescriptor = LinkedDescriptor,
        Parameters = Parameters,
    };

    internal HandedServer ToServer(int descriptor) => new()
    {
        Descriptor = descriptor,
        OldDescriptor = Descriptor,
        Database = Database ?? throw new FatalError(Invalid),
        User = User ?? throw new FatalError(Invalid),
        Remote = EndAddress.Parse(Address, Port),
        Local = EndOf(descriptor),
        UnixPort = Port,
        CancelKey = CancelKey,
        IsLinked = LinkedDescriptor != 0,
        Parameters = Parameters,
        Flags = LinkedDescriptor == 0 ? ServerFlags.Ready : ServerFlags.None,
    };

    private static EndAddress EndOf(int descriptor) => Native.Sockets.LocalAddress(descriptor);

    private string Required(int column) => _values[column] ?? throw new FatalError(Invalid);

    private long Number(int column)
    {
        if (_values[column] is not { } text) return 0;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw new FatalError(Invalid);
    }

    /// <summary>Text form of a bytea.</summary>
    private byte[]? Key(int column)
    {
        const string Prefix = "\\x";
        const int KeyBytes = 32;
        if (_values[column] is not { } text) return null;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || text.Length != Prefix.Length + 2 * KeyBytes)
            throw new FatalError(Invalid);
        try
        {
            return Convert.FromHexString(text.AsSpan(Prefix.Length));
        }
        catch (FormatException)
        {
            throw new FatalError(Invalid);
        }
    }
}
