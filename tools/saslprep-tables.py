#!/usr/bin/env python3
"""Writes src/FastPool.Core/Auth/SaslPrep/SaslPrepTables.cs from what Python knows of Unicode and of RFC 3454.

    ./tools/saslprep-tables.py > src/FastPool.Core/Auth/SaslPrep/SaslPrepTables.cs

SASLprep (RFC 4013) refuses whatever Unicode 3.2 did not have, so only those characters need be normalized; and what a character
once normalizes to is fixed for ever (Unicode's stability policy). So every Python writes the same file.
"""
import stringprep
import sys
import unicodedata

ASSIGNED = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and not stringprep.in_table_a1(chr(c))]
HANGUL = range(0xAC00, 0xAC00 + 11172)  # Worked out, not looked up.


def units(text):
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2)]


def decompositions():
    """Runs of neighbours whose decompositions are equally long: start, count, length; and the text of all of them."""
    runs, text = [], []
    for c in ASSIGNED:
        decomposed = unicodedata.normalize("NFKD", chr(c))
        if decomposed == chr(c) or c in HANGUL:
            continue
        added = units(decomposed)
        if runs and runs[-1][0] + runs[-1][1] == c and runs[-1][2] == len(added):
            runs[-1][1] += 1
        else:
            runs.append([c, 1, len(added), len(text)])
        text += added
    return [start << 32 | count << 20 | length << 15 | offset for start, count, length, offset in runs], text


def compositions():
    pairs = []
    for c in ASSIGNED:
        parts = unicodedata.decomposition(chr(c)).split()
        if c in HANGUL or len(parts) != 2 or parts[0].startswith("<") or unicodedata.normalize("NFC", chr(c)) != chr(c):
            continue
        first, second = (int(part, 16) for part in parts)
        assert max(first, second, c) < 0x10000
        pairs.append(first << 32 | second << 16 | c)
    return sorted(pairs)


def combining_classes():
    runs = []
    for c in ASSIGNED:
        combining = unicodedata.combining(chr(c))
        if combining == 0:
            continue
        if runs and runs[-1][0] + runs[-1][1] == c and runs[-1][2] == combining:
            runs[-1][1] += 1
        else:
            runs.append([c, 1, combining])
    return [start << 32 | count << 8 | combining for start, count, combining in runs]


def ranges(predicate):
    found = []
    for c in range(0x110000):
        if not predicate(chr(c)):
            continue
        if found and found[-1][1] + 1 == c:
            found[-1][1] = c
        else:
            found.append([c, c])
    return [c for pair in found for c in pair]


def is_refused(c):
    tables = (stringprep.in_table_a1, stringprep.in_table_c12, stringprep.in_table_c21, stringprep.in_table_c22,
              stringprep.in_table_c3, stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6,
              stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9)
    return any(table(c) for table in tables)


WIDTH = 130  # As .editorconfig has it.


def write(comment, kind, name, numbers):
    words, line = comment.split(), "    ///"
    print("    /// <summary>")
    for word in words:
        if len(line) + 1 + len(word) > WIDTH:
            print(line)
            line = "    ///"
        line += " " + word
    print(line)
    print("    /// </summary>")
    print(f"    internal static ReadOnlySpan<{kind}> {name} =>")
    print("    [")
    line = "       "
    for number in numbers:
        word = f" {number:#x},"
        if len(line) + len(word) > WIDTH:
            print(line)
            line = "       "
        line += word
    print(line)
    print("    ];")


def main():
    runs, text = decompositions()
    print("// Written by tools/saslprep-tables.py: change that, not this.")
    print("namespace FastPool.Core.Auth;")
    print()
    print("/// <summary>Unicode 3.2's and RFC 3454's facts about characters, for <see cref=\"SaslPrep\"/>.</summary>")
    print("internal static class SaslPrepTables")
    print("{")
    write("Runs of characters with compatibility decompositions: start &lt;&lt; 32 | count &lt;&lt; 20 | UTF-16 units of each &lt;&lt; 15 | place in the text.", "ulong", "Decompositions", runs)
    print()
    write("Those decompositions, whole, one after the other, as UTF-16.", "ushort", "DecompositionText", text)
    print()
    write("Pairs that compose, in order: first &lt;&lt; 32 | second &lt;&lt; 16 | composite.", "ulong", "Compositions", compositions())
    print()
    write("Runs of characters with a combining class: start &lt;&lt; 32 | count &lt;&lt; 8 | class.", "ulong", "CombiningClasses", combining_classes())
    print()
    write("First and last of each range: spaces that become the space of ASCII (C.1.2).", "uint", "Spaces", ranges(stringprep.in_table_c12))
    print()
    write("First and last of each range: what becomes nothing (B.1).", "uint", "Nothings", ranges(stringprep.in_table_b1))
    print()
    write("First and last of each range: prohibited (C.1.2, C.2.1, C.2.2, C.3 to C.9) or unassigned in Unicode 3.2 (A.1).", "uint", "Refused", ranges(is_refused))
    print()
    write("First and last of each range: written from right to left (D.1).", "uint", "RightToLeft", ranges(stringprep.in_table_d1))
    print()
    write("First and last of each range: written from left to right (D.2).", "uint", "LeftToRight", ranges(stringprep.in_table_d2))
    print("}")


sys.exit(main())
