"""What the Python programs share: where the pooler is, and a line of output for each check.

The environment says where: PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE (transaction mode), SESSION_DATABASE (session mode).
"""

import asyncio
import inspect
import os
import sys
import traceback

HOST = os.environ["PGHOST"]
PORT = int(os.environ["PGPORT"])
USER = os.environ["PGUSER"]
PASSWORD = os.environ["PGPASSWORD"]
DATABASE = os.environ["PGDATABASE"]
SESSION_DATABASE = os.environ["SESSION_DATABASE"]

CLIENTS = 100

_checks = []


def check(name):
    """Registers a function, or a coroutine function, as a check of that name."""

    def register(function):
        _checks.append((name, function))
        return function

    return register


def same(expected, actual):
    if expected != actual:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def raised(kind, exceptions):
    """One of the exceptions, of that kind, must have come."""
    if not isinstance(exceptions, kind):
        raise AssertionError(f"expected {kind.__name__}, got {exceptions!r}")


def run():
    """Runs every check; the exit code says whether all were good."""
    failed = 0
    for name, function in _checks:
        try:
            if inspect.iscoroutinefunction(function):
                asyncio.run(asyncio.wait_for(function(), 60))
            else:
                function()
            print(f"ok {name}", flush=True)
        except Exception as exception:
            failed += 1
            last = traceback.extract_tb(exception.__traceback__)[-1]
            print(f"FAILED {name}: {type(exception).__name__}: {exception} ({last.filename}:{last.lineno})".replace("\n", " "), flush=True)
    sys.exit(1 if failed else 0)
