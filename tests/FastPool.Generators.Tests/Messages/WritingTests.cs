using FastPool.Protocol;

namespace FastPool.Generators.Tests;

public class WritingTests
{
    [Fact]
    public void A_pooler_error_has_exactly_severity_state_and_message()
    {
        var packet = new byte[PoolerError.Size("FATAL"u8, "08P01"u8, "unknown pkt"u8)];
        Assert.Equal(packet.Length, PoolerError.Write(packet, "FATAL"u8, "08P01"u8, "unknown pkt"u8));
        Assert.Equal(Notation.Bytes("'E' 00000020 'SFATAL' 00 'C08P01' 00 'Munknown pkt' 00 00"), packet);
    }

    [Fact]
    public void A_pooler_notice_has_the_state_of_success()
    {
        var packet = new byte[PoolerNotice.Size("SET ignored"u8)];
        Assert.Equal(packet.Length, PoolerNotice.Write(packet, "SET ignored"u8));
        Assert.Equal(Notation.Bytes("'N' 00000021 'SNOTICE' 00 'C00000' 00 'MSET ignored' 00 00"), packet);
    }

    [Fact]
    public void A_detail_is_the_last_field_of_a_notice()
    {
        var buffer = new MessageBuffer(1);
        buffer.WriteNotice("Console usage"u8, "\n\tSHOW"u8);
        Assert.Equal(
            Notation.Bytes("'N' 0000002b 'SNOTICE' 00 'C00000' 00 'MConsole usage' 00 'D' 0a09 'SHOW' 00 00"), buffer.WrittenSpan);
    }

    [Fact]
    public void A_description_names_columns_of_no_table()
    {
        var buffer = new MessageBuffer(1);
        var rows = new RowWriter(buffer);
        rows.BeginDescription();
        rows.Column("name", ColumnType.Text);
        rows.Column("n"u8, ColumnType.Int8);
        rows.End();
        Assert.Equal(
            Notation.Bytes("""
                'T' 00000031 0002
                'name' 00 00000000 0000 00000019 ffff ffffffff 0000
                'n' 00 00000000 0000 00000014 0008 ffffffff 0000
                """.ReplaceLineEndings(" ")),
            buffer.WrittenSpan);
    }

    [Fact]
    public void Rows_hold_text_numbers_and_NULL()
    {
        var buffer = new MessageBuffer(1);
        var rows = new RowWriter(buffer);
        rows.BeginRow();
        rows.Text("\u00e9");
        rows.Text("ab"u8);
        rows.Text((string?)null);
        rows.Number(long.MinValue);
        rows.Number(ulong.MaxValue);
        rows.End();
        rows.BeginRow();
        rows.Null();
        rows.End();
        rows.Complete("SHOW"u8);
        buffer.Write(PreparedMessages.ReadyForQueryIdle);
        Assert.Equal(
            Notation.Bytes("""
                'D' 00000045 0005 00000001 e9 00000002 'ab' ffffffff
                00000014 '-9223372036854775808' 00000014 '18446744073709551615'
                'D' 0000000a 0001 ffffffff
                'C' 00000009 'SHOW' 00
                'Z' 00000005 'I'
                """.ReplaceLineEndings(" ")),
            buffer.WrittenSpan);
    }

    [Fact]
    public void A_string_beyond_Latin_1_still_gives_a_whole_row()
    {
        var buffer = new MessageBuffer();
        var rows = new RowWriter(buffer);
        rows.BeginRow();
        rows.Text("a\U0001F600\u20ac");
        rows.End();
        Assert.True(DataRow.TryRead(MessageHeader.Body(buffer.WrittenSpan), out var row));
        var columns = new DataRowColumns(row);
        while (columns.MoveNext()) { }
        Assert.False(columns.IsMalformed);
    }

    [Fact]
    public void A_cleared_buffer_writes_from_the_start_again()
    {
        var buffer = new MessageBuffer(4);
        buffer.WriteError("ERROR"u8, "08P01"u8, "bad arguments"u8);
        buffer.Clear();
        buffer.Write(new ReadyForQuery { Status = (byte)'I' });
        Assert.Equal(PreparedMessages.ReadyForQueryIdle, buffer.WrittenSpan);
    }

    [Fact]
    public void Advancing_beyond_the_room_is_an_exception() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new MessageBuffer(4).Advance(5));
}
