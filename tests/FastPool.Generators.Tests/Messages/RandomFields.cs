namespace FastPool.Generators.Tests;

/// <summary>Random field values. Short ones are likely, since the mistakes are at the edges.</summary>
internal static class RandomFields
{
    public static byte[] Data(this Random random, int length)
    {
        var data = new byte[length];
        random.NextBytes(data);
        return data;
    }

    public static byte[] Data(this Random random) => random.Data(random.Length());

    /// <summary>A text holds anything but NUL.</summary>
    public static byte[] Text(this Random random)
    {
        var text = random.Data();
        for (var i = 0; i < text.Length; i++) text[i] = Math.Max(text[i], (byte)1);
        return text;
    }

    public static int Int32(this Random random) => unchecked((int)random.NextInt64());

    public static short Int16(this Random random) => unchecked((short)random.NextInt64());

    public static byte Byte(this Random random) => unchecked((byte)random.NextInt64());

    private static int Length(this Random random) => random.Next(4) switch
    {
        0 => 0,
        1 => random.Next(4),
        2 => random.Next(64),
        _ => random.Next(2000),
    };
}
