namespace FastPool.Generators;

/// <summary>Mirrors FastPool.Protocol.From by value; a test holds the two together.</summary>
internal enum Sender
{
    Frontend,
    Backend,
    Either,
}

internal enum FieldKind
{
    CString,
    Int32,
    Int16,
    Byte,
    Bytes,
    Rest,
}

/// <summary>One property of a message. <paramref name="Length"/> is that of a Byte<i>n</i> field, else 0.</summary>
internal sealed record FieldModel(string Name, FieldKind Kind, int Length);

/// <summary>A message as the emitter needs it: values only, no symbols, so that two of them can be compared.</summary>
/// <param name="Namespace">Empty: the global one.</param>
/// <param name="Name">The struct's.</param>
/// <param name="From">The sender.</param>
/// <param name="Type">The type byte; 0 for an untyped packet.</param>
/// <param name="Code">The constant Int32 at the start of the body, if there is one.</param>
/// <param name="ByContext">It shares its type, and the conversation tells which it is.</param>
/// <param name="Fields">In the order of the wire.</param>
internal sealed record MessageModel(
    string Namespace, string Name, Sender From, byte Type, int? Code, bool ByContext, EquatableArray<FieldModel> Fields)
{
    public bool IsTyped => Type != 0;

    public string HintName => (Namespace.Length == 0 ? Name : Namespace + "." + Name) + ".g.cs";
}

/// <summary>The parser's result for one declaration: a message, or mistakes.</summary>
internal sealed record Declaration(MessageModel? Message, Place Place, EquatableArray<Mistake> Mistakes);
