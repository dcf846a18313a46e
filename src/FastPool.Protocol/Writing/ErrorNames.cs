using System.Buffers.Binary;

namespace FastPool.Protocol;

/// <summary>Puts another name into the text of an error.</summary>
public static class ErrorNames
{
    /// <param name="error">A whole ErrorResponse.</param>
    /// <returns>The error with the new name wherever its message has the old one between double quotes.</returns>
    public static byte[] Replace(ReadOnlySpan<byte> error, ReadOnlySpan<byte> oldName, ReadOnlySpan<byte> newName)
    {
        var output = new List<byte>(error.Length + newName.Length);
        output.AddRange(error[..MessageHeader.Size]);
        var fields = new ErrorFields(error[MessageHeader.Size..]);
        while (fields.MoveNext())
        {
            output.Add(fields.Code);
            if (fields.Code == ErrorFields.MessageCode) AddReplaced(output, fields.Value, oldName, newName);
            else output.AddRange(fields.Value);
            output.Add(0);
        }
        output.Add(0);
        var made = output.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(made.AsSpan(1), made.Length - 1);
        return made;
    }

    private static void AddReplaced(List<byte> output, ReadOnlySpan<byte> text, ReadOnlySpan<byte> oldName,
        ReadOnlySpan<byte> newName)
    {
        byte[] quoted = [(byte)'"', .. oldName, (byte)'"'];
        var at = text.IndexOf(quoted);
        if (at < 0)
        {
            output.AddRange(text);
            return;
        }
        output.AddRange(text[..(at + 1)]);
        output.AddRange(newName);
        output.AddRange(text[(at + quoted.Length - 1)..]);
    }
}
