namespace FastPool.Core.Settings;

/// <summary>Lines as C programs count them: only \n ends one. .NET's own enumerator knows other ends too.</summary>
internal static class TextLines
{
    internal static Enumerator EnumerateLinesOf(this ReadOnlySpan<char> text) => new(text);

    internal ref struct Enumerator(ReadOnlySpan<char> text)
    {
        private ReadOnlySpan<char> _rest = text;

        public ReadOnlySpan<char> Current { get; private set; }

        public readonly Enumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_rest.IsEmpty) return false;
            var end = _rest.IndexOf('\n');
            Current = end < 0 ? _rest : _rest[..end];
            _rest = end < 0 ? [] : _rest[(end + 1)..];
            return true;
        }
    }
}
