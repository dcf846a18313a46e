#!/usr/bin/env python3
"""What PostgreSQL makes of passwords, by Python's Unicode: lines of password and prepared password in hex, for the tests.

Every character behind an e with nothing else, and strings of characters that do something, from a fixed seed.
"""
import random
import stringprep
import unicodedata

REFUSED = (stringprep.in_table_a1, stringprep.in_table_c12, stringprep.in_table_c21, stringprep.in_table_c22,
           stringprep.in_table_c3, stringprep.in_table_c4, stringprep.in_table_c5, stringprep.in_table_c6,
           stringprep.in_table_c7, stringprep.in_table_c8, stringprep.in_table_c9)


def prepare(text):
    if text.isascii():
        return text
    mapped = "".join(" " if stringprep.in_table_c12(c) else "" if stringprep.in_table_b1(c) else c for c in text)
    if not mapped or any(table(c) for c in mapped for table in REFUSED):
        return text
    if any(map(stringprep.in_table_d1, mapped)):
        ends = stringprep.in_table_d1(mapped[0]) and stringprep.in_table_d1(mapped[-1])
        if not ends or any(map(stringprep.in_table_d2, mapped)):
            return text
    return unicodedata.normalize("NFKC", mapped)


def show(text):
    print(text.encode().hex(), prepare(text).encode().hex())


def main():
    points = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
    assigned = [c for c in points if not any(table(c) for table in REFUSED)]
    for c in points:
        # Planes without a character are refused like any of their neighbours: every 64th will do.
        if ord(c) < 0x30000 or ord(c) >= 0xE0000 and ord(c) < 0xE1000 or ord(c) % 64 == 0:
            show("e" + c)
    marks = [c for c in assigned if unicodedata.combining(c)]
    busy = [c for c in assigned if unicodedata.normalize("NFKD", c) != c]
    hangul = [chr(c) for c in list(range(0x1100, 0x1113)) + list(range(0x1161, 0x1176)) + list(range(0x11A7, 0x11C3)) + [0xAC00, 0xAC01, 0xD7A3]]
    right = [c for c in assigned if stringprep.in_table_d1(c)]
    random.seed(4013)
    for group in (marks + busy, marks + ["a", "o", "\u0915"], hangul, right + marks, busy, assigned, right + assigned):
        for _ in range(20000):
            show("".join(random.choices(group, k=random.randint(2, 8))))


main()
