"""psycopg 3 in transaction mode: prepared statements after the first use, pipelines, COPY, cancel; LISTEN in session mode."""

import asyncio
import threading
import time

import psycopg

from checks import CLIENTS, DATABASE, HOST, PASSWORD, PORT, SESSION_DATABASE, USER, check, raised, run, same


def connect(database=DATABASE, **more):
    return psycopg.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=database, prepare_threshold=1, autocommit=True, **more)


async def connect_async(**more):
    return await psycopg.AsyncConnection.connect(
        host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE, prepare_threshold=1, autocommit=True, **more)


@check("100 tasks share two servers, each with prepared statements")
async def many():
    async def client(number):
        async with await connect_async() as connection:
            for turn in range(4):
                for text in ("select %s::int + %s::int", "select %s::int * 10 + %s::int"):
                    row = await (await connection.execute(text, (number, turn))).fetchone()
                    same(number + turn if "* 10" not in text else number * 10 + turn, row[0])
                async with connection.transaction():
                    first = await (await connection.execute("select pg_backend_pid()")).fetchone()
                    second = await (await connection.execute("select pg_backend_pid()")).fetchone()
                    same(first, second)

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))


@check("a pipeline answers statement by statement")
def pipeline():
    with connect() as connection:
        for turn in range(3):
            with connection.pipeline():
                cursors = [connection.execute("select %s::int + 1", (i,)) for i in range(300)]
            same([i + 1 for i in range(300)], [cursor.fetchone()[0] for cursor in cursors])


@check("an error in a pipeline skips to its end, and the next one works")
def pipeline_error():
    with connect() as connection:
        for turn in range(4):
            error = None
            try:
                with connection.pipeline():
                    good = connection.execute("select %s::int", (turn,))
                    connection.execute("select 1 / %s::int", (0,))
                    connection.execute("select %s::text", ("skipped",))
            except psycopg.errors.DivisionByZero as exception:
                error = exception
            raised(psycopg.errors.DivisionByZero, error)
            with connection.pipeline():
                good = connection.execute("select %s::int", (turn,))
                also = connection.execute("select %s::text", ("fine",))
            same((turn, "fine"), (good.fetchone()[0], also.fetchone()[0]))


@check("a ROLLBACK in a pipeline deallocates, and what follows is prepared anew")
def deallocate():
    with connect() as connection:
        for turn in range(4):
            with connection.pipeline():
                before = [connection.execute("select %s::int + 7", (i,)) for i in range(4)]
                connection.execute("begin")
                connection.execute("select %s::int + 7", (turn,))
                connection.execute("rollback")
                after = [connection.execute("select %s::int + 7", (i,)) for i in range(4)]
            same([7, 8, 9, 10] * 2, [cursor.fetchone()[0] for cursor in before + after])


@check("statements that a changed table made stale are prepared anew")
def changed_table():
    with connect() as connection:
        connection.execute("drop table if exists psycopg_changed")
        connection.execute("create table psycopg_changed (one int)")
        connection.execute("insert into psycopg_changed values (1)")
        for turn in range(3):
            same((1,), connection.execute("select * from psycopg_changed").fetchone())
        connection.execute("alter table psycopg_changed add two int default 2")
        seen = []
        for turn in range(3):
            try:
                seen.append(connection.execute("select * from psycopg_changed").fetchone())
            except psycopg.errors.FeatureNotSupported:  # cached plan must not change result type
                seen.append(None)
        same([(1, 2)] * 2, seen[1:])
        connection.execute("drop table psycopg_changed")


@check("COPY in and out")
def copy():
    with connect() as connection:
        with connection.transaction():
            connection.execute("create temp table psycopg_copied (number int, body text) on commit drop")
            with connection.cursor().copy("copy psycopg_copied from stdin") as copy:
                for i in range(20000):
                    copy.write_row((i, f"body {i}"))
            with connection.cursor().copy("copy (select * from psycopg_copied order by number) to stdout") as copy:
                copy.set_types(("int4", "text"))
                same([(i, f"body {i}") for i in range(20000)], list(copy.rows()))


@check("a COPY that fails leaves the connection usable")
def failed_copy():
    with connect() as connection:
        for turn in range(5):
            error = None
            try:
                with connection.transaction():
                    connection.execute("create temp table psycopg_copied (number int) on commit drop")
                    with connection.cursor().copy("copy psycopg_copied from stdin") as copy:
                        for i in range(2000):
                            copy.write(b"not a number\n")
            except psycopg.errors.InvalidTextRepresentation as exception:
                error = exception
            raised(psycopg.errors.InvalidTextRepresentation, error)
            same((turn,), connection.execute("select %s::int", (turn,)).fetchone())


@check("a cursor of the server in a transaction")
def cursor():
    with connect() as connection, connection.transaction():
        with connection.cursor(name="psycopg_cursor") as cursor:
            cursor.itersize = 100
            cursor.execute("select generate_series(1, 1000)")
            same(500500, sum(row[0] for row in cursor))


@check("cancel ends the query and not the connection")
def cancel():
    with connect() as connection:
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        error, begin = None, time.monotonic()
        try:
            connection.execute("select pg_sleep(30)")
        except psycopg.errors.QueryCanceled as exception:
            error = exception
        timer.join()
        raised(psycopg.errors.QueryCanceled, error)
        same(True, time.monotonic() - begin < 20)
        same((5,), connection.execute("select 5").fetchone())


@check("LISTEN in session mode")
def listen():
    with connect(SESSION_DATABASE) as listener, connect() as sender:
        listener.execute("listen psycopg_channel")
        sender.execute("notify psycopg_channel, 'hello'")
        same("hello", next(listener.notifies()).payload)


run()
