namespace FastPool.Protocol;

/// <summary>A C string: the bytes up to a NUL, which the property does not hold.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class CStringAttribute : Attribute;

/// <summary>Int32, big-endian, in an <see cref="int"/>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class Int32Attribute : Attribute;

/// <summary>Int16, big-endian, in a <see cref="short"/>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class Int16Attribute : Attribute;

/// <summary>Int8 or Byte1, in a <see cref="byte"/>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ByteAttribute : Attribute;

/// <summary>Byte<i>n</i>: exactly <paramref name="length"/> bytes.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BytesAttribute(int length) : Attribute
{
    public int Length { get; } = length;
}

/// <summary>All the bytes that are left, passed on unread. Only the last property may be this.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RestAttribute : Attribute;
