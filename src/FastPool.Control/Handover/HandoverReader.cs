using System.Globalization;
using System.Text;
using FastPool.Control.Answers;
using FastPool.Control.Commands;
using FastPool.Core.Sessions.Handover;
using FastPool.Protocol;

namespace FastPool.Control.Handover;

/// <summary>Reads what <see cref="HandoverWriter"/> has written, in the process that takes over.</summary>
public static class HandoverReader
{
    /// <summary>The parameter by which a process says in its greeting that it can be asked for all of it.</summary>
    public static ReadOnlySpan<byte> GreetingName => Encoding.ASCII.GetBytes(ConsoleWelcome.TakeoverParameter);

    /// <summary>Its value for the form that is read here.</summary>
    public static ReadOnlySpan<byte> GreetingValue =>
        Encoding.ASCII.GetBytes(HandedState.Version.ToString(CultureInfo.InvariantCulture));

    /// <summary>One row.</summary>
    /// <param name="descriptors">Takes so many of those that have come, in their order.</param>
    /// <exception cref="IOException">It has another form.</exception>
    public static void Read(ReadOnlySpan<byte> body, HandedState state, Func<int, int[]> descriptors)
    {
        if (!DataRow.TryRead(body, out var row)) throw new EndOfStreamException();
        var columns = new DataRowColumns(row);
        if (!columns.MoveNext() || columns.IsNull) throw new EndOfStreamException();
        var bytes = columns.Value.ToArray();
        try
        {
            Read(bytes, state, descriptors);
        }
        finally
        {
            Array.Clear(bytes); // There are secrets in it.
        }
    }

    private static void Read(byte[] bytes, HandedState state, Func<int, int[]> descriptors)
    {
        using var from = new BinaryReader(new MemoryStream(bytes));
        var kind = from.ReadByte();
        if (kind == HandoverWriter.Common)
        {
            state.ReadCommon(from);
            return;
        }
        var taken = descriptors(from.ReadInt32());
        HandedServer? server = null;
        HandedClient? client = null;
        foreach (var descriptor in taken)
        {
            switch (kind)
            {
                case HandoverWriter.Listeners:
                    state.Listeners.Add(new HandedListener(descriptor, from.ReadString(), from.ReadInt32()));
                    break;
                case HandoverWriter.Servers:
                    server = HandedServer.Read(from, server);
                    server.Descriptor = descriptor;
                    state.Servers.Add(server);
                    break;
                case HandoverWriter.Clients:
                    client = HandedClient.Read(from, client);
                    client.Descriptor = descriptor;
                    state.Clients.Add(client);
                    break;
                default: throw new EndOfStreamException();
            }
        }
    }
}
