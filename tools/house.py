#!/usr/bin/env python3
"""Measures the house: how files and folders of src lean on each other, and how long things are.

    tools/house.py            the tree as it lies
    tools/house.py COMMIT     the tree of that commit
    tools/house.py -v         the circles too, and which name closes them
    tools/house.py --check    fails if a circle is larger than it may be, or new among folders

A file leans on another of its room when it names a type that the other declares (parts of one
partial type count as one file). A circle is a set in which each leans on each, directly or not.
"""
import collections
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DECLARATION = re.compile(r'^(?:public |internal |private |file |sealed |static |abstract |readonly |unsafe |partial |ref )*'
                         r'(?:class|record struct|record|struct|interface|enum|delegate [\w<>\[\]?]+)\s+(\w+)', re.M)
CONSTANT = re.compile(r'\bconst \w+ (\w+) =')
METHOD = re.compile(r'^ {4}(?:\[.*\]\s*)?(?:public|internal|private|protected|static|void|async|override)[^;=]*\)\s*(?:\n\s+where .*)*\n {4}\{\n(.*?)^ {4}\}', re.M | re.S)
# A type's name, and not a member's: behind a dot, before its value or its braces, or called without new.
NAME = re.compile(r'(?<![.\w])(?:(?<=new )[A-Z]\w+\b|[A-Z]\w+\b(?!\s*(?:=[^=>]|\{ get|\{ internal|\) => |;$|\()))')

FILES_MAX = 8  # Of one circle.

# Folders that act on each other by nature; src/ARCHITECTURE.md gives the reasons.
BY_NATURE = {
    'FastPool.Core/Sessions': {'', '/Links', '/Logins'},
    'FastPool.Net': {'/Clients', '/Loops', '/Servers'},
}


def read(commit):
    """Path below src to text."""
    if commit is None:
        for folder, folders, files in os.walk(os.path.join(ROOT, 'src')):
            folders[:] = [name for name in folders if name not in ('bin', 'obj')]
            for name in files:
                if name.endswith('.cs'):
                    path = os.path.join(folder, name)
                    yield os.path.relpath(path, os.path.join(ROOT, 'src')), open(path, encoding='utf-8').read()
        return
    paths = subprocess.run(['git', 'ls-tree', '-r', '--name-only', commit, 'src'], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    for path in paths:
        if path.endswith('.cs'):
            yield path[4:], subprocess.run(['git', 'show', f'{commit}:{path}'], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def code_of(text):
    text = re.sub(r'//.*', '', text)
    return re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)


def room_of(path):
    parts = path.split('/')
    return '/'.join(parts[:2]) if parts[0] == 'FastPool.Core' else parts[0]


def circles(edges):
    """Sets of more than one node that all reach each other."""
    index, low, stack, on, found, count = {}, {}, [], set(), [], [0]
    sys.setrecursionlimit(10_000)

    def visit(node):
        index[node] = low[node] = count[0]
        count[0] += 1
        stack.append(node)
        on.add(node)
        for other in edges.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while True:
                other = stack.pop()
                on.discard(other)
                group.append(other)
                if other == node:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return sorted(found, key=len, reverse=True)


def main():
    wordy = '-v' in sys.argv
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith('-')]
    breaches = []
    files = {path: code_of(text) for path, text in read(arguments[0] if arguments else None)}
    owner = collections.defaultdict(set)
    for path, text in files.items():
        for name in DECLARATION.findall(text):
            owner[name].add(path)
    unit = {path: path for path in files}  # Parts of one type are one file.
    for paths in owner.values():
        if len({room_of(path) for path in paths}) > 1:
            continue
        together = {unit[path] for path in paths}
        for path in files:
            if unit[path] in together:
                unit[path] = min(together)
    leans = collections.defaultdict(set)
    names = {path: set(NAME.findall(text)) - set(CONSTANT.findall(text)) for path, text in files.items()}
    for path in files:
        for name in names[path]:
            for other in owner.get(name, ()):
                if room_of(other) == room_of(path) and unit[other] != unit[path]:
                    leans[unit[path]].add(unit[other])
    print(f'{"room":<26}{"files":>6}{"lines":>7}{"largest circle of files":>25}{"folders in circles":>20}{"longest file":>14}{"longest method":>16}')
    for room in sorted({room_of(path) for path in files}):
        mine = [path for path in files if room_of(path) == room]
        of_files = circles({unit[path]: {other for other in leans[unit[path]] if room_of(other) == room} for path in mine})
        folders = collections.defaultdict(set)
        for path in mine:
            for other in leans[unit[path]]:
                if os.path.dirname(other) != os.path.dirname(unit[path]):
                    folders[os.path.dirname(unit[path])].add(os.path.dirname(other))
        of_folders = circles(folders)
        lengths = [files[path].count('\n') for path in mine]
        methods = [body.count('\n') for path in mine for body in METHOD.findall(files[path])]
        print(f'{room:<26}{len(mine):>6}{sum(lengths):>7}{len(of_files[0]) if of_files else 0:>25}'
              f'{sum(map(len, of_folders)):>20}{max(lengths):>14}{max(methods, default=0):>16}')
        breaches += [f'{room}: a circle of {len(group)} files: {" ".join(group)}' for group in of_files if len(group) > FILES_MAX]
        natural = {room + folder for folder in BY_NATURE.get(room, ())}
        breaches += [f'{room}: a circle of folders: {" ".join(group)}' for group in of_folders if not natural.issuperset(group)]
        if wordy:
            for group in of_files + of_folders:
                print('    ' + ' '.join(name[len(room) + 1:] or '.' for name in group))
                for line in sorted(edges_in(set(group), room, mine, names, unit, owner)):
                    print('        ' + line)
    if '--check' in sys.argv:
        print('\n'.join(breaches))
        sys.exit(1 if breaches else 0)


def edges_in(group, room, mine, names, unit, owner):
    """Which name in which file closes a circle of files or of folders."""
    for path in mine:
        here, folder = unit[path], os.path.dirname(unit[path])
        for name in names[path]:
            for other in owner.get(name, ()):
                there = unit[other]
                if room_of(other) != room or there == here:
                    continue
                if {here, there} <= group or (folder != os.path.dirname(there) and {folder, os.path.dirname(there)} <= group):
                    yield f'{path[len(room) + 1:]}: {name}'


if __name__ == '__main__':
    main()
