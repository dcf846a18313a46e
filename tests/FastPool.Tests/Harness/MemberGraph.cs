using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace FastPool.Tests.Harness;

/// <summary>
/// The members of the product's assemblies and which method uses which, as the compiled code has it. A member is named
/// Namespace.Type::Name/parameters, so that overloads with as many parameters count as one.
/// </summary>
internal sealed class MemberGraph
{
    private static readonly Dictionary<short, OpCode> s_opCodes = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    private readonly Dictionary<string, HashSet<string>> _uses = [];
    private readonly HashSet<string> _roots = [];
    private readonly HashSet<string> _candidates = [];
    private readonly HashSet<string> _contracts = [];

    /// <summary>
    /// Members that nothing leads to from the program's start, from an override or an implementation of an interface.
    /// </summary>
    public static IReadOnlyList<string> Unreached(string folder)
    {
        var graph = new MemberGraph();
        foreach (var path in Directory.EnumerateFiles(folder, "*.dll").Where(IsOfProduct))
        {
            using var file = new PEReader(File.OpenRead(path));
            graph.Add(file, file.GetMetadataReader());
        }
        return graph.Unreached();
    }

    private static bool IsOfProduct(string path) =>
        Path.GetFileNameWithoutExtension(path) is var name
        && (name is "fastpool" || name.StartsWith("FastPool.", StringComparison.Ordinal))
        && !name.Contains("Tests", StringComparison.Ordinal) && name != "FastPool.Simulation";

    private List<string> Unreached()
    {
        var seen = new HashSet<string>(_roots);
        var open = new Stack<string>(_roots);
        while (open.TryPop(out var member))
        {
            foreach (var used in _uses.GetValueOrDefault(member) ?? [])
                if (seen.Add(used)) open.Push(used);
        }
        var called = seen.SelectMany(member => _uses.GetValueOrDefault(member) ?? []).Select(Signature).ToHashSet();
        return
        [
            .. _candidates
                .Where(member => !seen.Contains(member) && !seen.Contains(Other(member)))
                // The class itself is called.
                .Where(member => !_contracts.Contains(member) || !called.Contains(Signature(member)))
                .Order(StringComparer.Ordinal),
        ];
    }

    private static string Signature(string member) => member[(member.IndexOf("::", StringComparison.Ordinal) + 2)..];

    /// <summary>A property is in use when one of its accessors is.</summary>
    private static string Other(string member)
    {
        var slash = member.LastIndexOf('/');
        var parameters = int.Parse(member.AsSpan(slash + 1), System.Globalization.CultureInfo.InvariantCulture);
        var name = member[..slash];
        const string Get = "::get_";
        const string Set = "::set_";
        if (name.Contains(Get, StringComparison.Ordinal))
            return $"{name.Replace(Get, Set, StringComparison.Ordinal)}/{parameters + 1}";
        if (name.Contains(Set, StringComparison.Ordinal))
            return $"{name.Replace(Set, Get, StringComparison.Ordinal)}/{parameters - 1}";
        return member;
    }

    private void Add(PEReader file, MetadataReader reader)
    {
        foreach (var handle in reader.CustomAttributes) _roots.Add(NameOf(reader, reader.GetCustomAttribute(handle).Constructor));
        var entry = file.PEHeaders.CorHeader!.EntryPointTokenOrRelativeVirtualAddress;
        foreach (var typeHandle in reader.TypeDefinitions)
        {
            var type = reader.GetTypeDefinition(typeHandle);
            var implementations = type.GetMethodImplementations().Select(one => reader.GetMethodImplementation(one).MethodBody)
                .ToHashSet();
            var isPlain = !IsGenerated(reader, type) && !IsAttribute(reader, type);
            var isValue = IsStruct(reader, type);
            foreach (var methodHandle in type.GetMethods())
            {
                var method = reader.GetMethodDefinition(methodHandle);
                var name = NameOf(reader, methodHandle);
                var isCalledByRuntime = MetadataTokens.GetToken(methodHandle) == entry || implementations.Contains(methodHandle);
                if (isCalledByRuntime || IsRoot(reader, method)) _roots.Add(name);
                else if (isPlain && IsCandidate(reader, method, isValue)) _candidates.Add(name);
                if ((method.Attributes & MethodAttributes.Abstract) != 0) _contracts.Add(name);
                if (method.RelativeVirtualAddress != 0)
                    Read(reader, name, file.GetMethodBody(method.RelativeVirtualAddress).GetILBytes()!);
            }
            if (!isPlain || isValue) continue; // A struct has the layout of the C library's or of a cache line.
            foreach (var fieldHandle in type.GetFields())
            {
                var field = reader.GetFieldDefinition(fieldHandle);
                if ((field.Attributes & FieldAttributes.Literal) != 0 || reader.GetString(field.Name)[0] == '<') continue;
                _candidates.Add(NameOf(reader, fieldHandle));
            }
        }
    }

    /// <summary>Members that the runtime calls, or that are called by the name of a base or an interface.</summary>
    private static bool IsRoot(MetadataReader reader, MethodDefinition method) =>
        (method.Attributes & (MethodAttributes.Virtual | MethodAttributes.Abstract)) == MethodAttributes.Virtual
        || reader.GetString(method.Name) is ".cctor"
        || HasAttribute(reader, method.GetCustomAttributes(), "UnmanagedCallersOnlyAttribute", "ModuleInitializerAttribute");

    /// <summary>Not what the compiler makes for a record or a lambda, and not a constructor that is there by itself.</summary>
    private static bool IsCandidate(MetadataReader reader, MethodDefinition method, bool isValue)
    {
        var name = reader.GetString(method.Name);
        if (name.Contains('<')
            || name is "Deconstruct" or "op_Equality" or "op_Inequality" or "PrintMembers"
            or "get_EqualityContract") return false;
        if (IsAccessor(name)) return true;
        if (HasAttribute(reader, method.GetCustomAttributes(), "CompilerGeneratedAttribute", "ConditionalAttribute"))
            return false;
        return name != ".ctor"
            || (!isValue && reader.GetBlobReader(method.Signature) is var signature && Parameters(ref signature) > 0);
    }

    private static bool IsAccessor(string name) =>
        name.StartsWith("get_", StringComparison.Ordinal) || name.StartsWith("set_", StringComparison.Ordinal);

    private static bool IsGenerated(MetadataReader reader, TypeDefinition type) =>
        reader.GetString(type.Name).Contains('<')
            || HasAttribute(reader, type.GetCustomAttributes(), "CompilerGeneratedAttribute")
        || (!type.GetDeclaringType().IsNil && IsGenerated(reader, reader.GetTypeDefinition(type.GetDeclaringType())));

    private static bool IsAttribute(MetadataReader reader, TypeDefinition type) =>
        !type.BaseType.IsNil
            && NameOfType(reader, type.BaseType) is "System.Attribute" or "System.MulticastDelegate" or "System.Enum";

    private static bool IsStruct(MetadataReader reader, TypeDefinition type) =>
        !type.BaseType.IsNil && NameOfType(reader, type.BaseType) == "System.ValueType";

    private static bool HasAttribute(MetadataReader reader, CustomAttributeHandleCollection attributes, params string[] names) =>
        attributes.Select(handle => NameOf(reader, reader.GetCustomAttribute(handle).Constructor))
            .Any(attribute => names.Any(name => attribute.Contains(name + "::", StringComparison.Ordinal)));

    private void Read(MetadataReader reader, string user, byte[] code)
    {
        if (!_uses.TryGetValue(user, out var uses)) _uses[user] = uses = [];
        for (var at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xFE) value = (short)(0xFE00 | code[at++]);
            var kind = s_opCodes[value].OperandType;
            if (kind is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineTok)
            {
                var handle = MetadataTokens.EntityHandle(BitConverter.ToInt32(code, at));
                if (NameOf(reader, handle) is { Length: > 0 } used) uses.Add(used);
            }
            at += kind switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static string NameOf(MetadataReader reader, EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.MethodDefinition:
                var method = reader.GetMethodDefinition((MethodDefinitionHandle)handle);
                return NameOf(reader, method.GetDeclaringType(), method.Name, method.Signature);
            case HandleKind.FieldDefinition:
                var field = reader.GetFieldDefinition((FieldDefinitionHandle)handle);
                return NameOf(reader, field.GetDeclaringType(), field.Name, field.Signature);
            case HandleKind.MemberReference:
                var member = reader.GetMemberReference((MemberReferenceHandle)handle);
                return NameOf(reader, member.Parent, member.Name, member.Signature);
            case HandleKind.MethodSpecification:
                return NameOf(reader, reader.GetMethodSpecification((MethodSpecificationHandle)handle).Method);
            default:
                return "";
        }
    }

    private static string NameOf(MetadataReader reader, EntityHandle type, StringHandle name, BlobHandle signature)
    {
        var blob = reader.GetBlobReader(signature);
        return $"{NameOfType(reader, type)}::{reader.GetString(name)}/{Parameters(ref blob)}";
    }

    private static int Parameters(ref BlobReader signature)
    {
        var header = signature.ReadSignatureHeader();
        if (header.Kind == SignatureKind.Field) return 0;
        if (header.IsGeneric) signature.ReadCompressedInteger();
        return signature.ReadCompressedInteger();
    }

    private static string NameOfType(MetadataReader reader, EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                var type = reader.GetTypeDefinition((TypeDefinitionHandle)handle);
                var outer = type.GetDeclaringType();
                return Join(outer.IsNil ? reader.GetString(type.Namespace)
                    : NameOfType(reader, outer), reader.GetString(type.Name));
            case HandleKind.TypeReference:
                var reference = reader.GetTypeReference((TypeReferenceHandle)handle);
                var scope = reference.ResolutionScope;
                var isNested = scope.Kind == HandleKind.TypeReference;
                return Join(isNested ? NameOfType(reader, scope)
                    : reader.GetString(reference.Namespace), reader.GetString(reference.Name));
            case HandleKind.TypeSpecification:
                var blob = reader.GetBlobReader(reader.GetTypeSpecification((TypeSpecificationHandle)handle).Signature);
                if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return "";
                blob.ReadByte(); // Class or struct.
                return NameOfType(reader, blob.ReadTypeHandle());
            default:
                return "";
        }
    }

    private static string Join(string outer, string name) => outer.Length == 0 ? name : $"{outer}.{name}";
}
