using FastPool.Protocol;

namespace FastPool.Generators.Tests;

public class MessageAllocationTests
{
    [Fact]
    public void Reading_and_writing_messages_allocates_nothing()
    {
        var destination = new byte[200];
        long allocated = 0;
        foreach (var rounds in (ReadOnlySpan<int>)[100, 1000]) // The first turn is to let the runtime get ready.
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var message in MessageCases.All)
                for (var i = 0; i < rounds; i++) RoundTrip(message, destination);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Rows_allocate_nothing_once_the_buffer_has_its_size()
    {
        var buffer = new MessageBuffer();
        long allocated = 0;
        for (var turn = 0; turn < 2; turn++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
            {
                buffer.Clear();
                WriteRow(buffer, i);
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void Walking_through_fields_allocates_nothing()
    {
        long allocated = 0;
        for (var turn = 0; turn < 2; turn++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
            {
                var fields = new ErrorFields("SFATAL\0C28P01\0Mno\0\0"u8);
                while (fields.MoveNext()) _ = fields.Value;
                var parameters = new StartupParameters("user\0bob\0\0"u8);
                while (parameters.MoveNext()) _ = parameters.Key;
            }
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    private static void RoundTrip(MessageCase message, byte[] destination)
    {
        if (MessageHeader.TryRead(message.Packet, int.MaxValue, out _, out _) != HeaderStatus.Complete
            || message.Rewrite(MessageHeader.Body(message.Packet), destination) != message.Packet.Length)
            Assert.Fail(message.Name);
    }

    private static void WriteRow(MessageBuffer buffer, int number)
    {
        var rows = new RowWriter(buffer);
        rows.BeginRow();
        rows.Text("pgbouncer");
        rows.Number((long)number);
        rows.Number(ulong.MaxValue);
        rows.Null();
        rows.End();
        rows.Complete("SHOW"u8);
    }
}
