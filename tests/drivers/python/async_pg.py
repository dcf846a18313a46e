"""asyncpg in transaction mode with its statement cache on: Parse, Describe, Flush; COPY, cursors, cancel; LISTEN in session mode."""

import asyncio
import io
import time

import asyncpg

from checks import CLIENTS, DATABASE, HOST, PASSWORD, PORT, SESSION_DATABASE, USER, check, raised, run, same


async def connect(database=DATABASE, **more):
    return await asyncpg.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, database=database, **more)


async def failure(awaitable):
    try:
        await awaitable
    except Exception as exception:
        return exception
    return None


@check("client_encoding in quotes is taken for what it is")
async def encoding():
    connection = await connect()
    for _ in range(3):
        same("UTF8", await connection.fetchval("show client_encoding"))
        same("häßlich ☃", await connection.fetchval("select $1::text", "häßlich ☃"))
    await connection.close()


@check("100 tasks share two servers, each with its statement cache")
async def many():
    async def client(number):
        connection = await connect()
        for turn in range(4):
            same(number + turn, await connection.fetchval("select $1::int + $2::int", number, turn))
            same([number, turn], (await connection.fetchrow("select array[$1::int, $2::int] as both", number, turn))["both"])
            async with connection.transaction():
                pid = await connection.fetchval("select pg_backend_pid()")
                same(pid, await connection.fetchval("select pg_backend_pid()"))
        await connection.close()

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))


@check("asyncpg's own pool, with its reset between uses")
async def pool():
    async with asyncpg.create_pool(host=HOST, port=PORT, user=USER, password=PASSWORD, database=DATABASE, min_size=5, max_size=10) as pool:
        answers = await asyncio.gather(*(pool.fetchval("select $1::int * 2", i) for i in range(200)))
        same([i * 2 for i in range(200)], answers)


@check("more statements than a server keeps")
async def evicted():
    connection = await connect()
    for turn in range(2):
        for number in range(60):
            same(number, await connection.fetchval(f"select {number} + $1::int", 0))
    await connection.close()


@check("errors of every step leave the connection usable")
async def errors():
    connection = await connect()
    raised(asyncpg.PostgresSyntaxError, await failure(connection.fetch("selec $1::int", 1)))
    raised(asyncpg.DivisionByZeroError, await failure(connection.fetchval("select 1 / $1::int", 0)))
    raised(asyncpg.UndefinedTableError, await failure(connection.fetch("select * from no_such_table")))
    async with connection.transaction():
        async def inner():
            async with connection.transaction():
                await connection.fetchval("select 1 / $1::int", 0)
        raised(asyncpg.DivisionByZeroError, await failure(inner()))
        same(3, await connection.fetchval("select $1::int", 3))
    same(4, await connection.fetchval("select $1::int", 4))
    await connection.close()


@check("executemany and a many-statement script")
async def execute_many():
    connection = await connect()
    async with connection.transaction():
        await connection.execute("create temp table asyncpg_rows (number int, body text) on commit drop; select 1; select 2")
        await connection.executemany("insert into asyncpg_rows values ($1, $2)", [(i, "x" * 50) for i in range(5000)])
        same(12497500, await connection.fetchval("select sum(number) from asyncpg_rows"))
    await connection.close()


@check("a cursor by portal and row limit")
async def cursor():
    connection = await connect()
    async with connection.transaction():
        seen = [row[0] async for row in connection.cursor("select generate_series(1, $1::int)", 1000, prefetch=70)]
        same(list(range(1, 1001)), seen)
    await connection.close()


@check("COPY in and out")
async def copy():
    connection = await connect()
    async with connection.transaction():
        await connection.execute("create temp table asyncpg_rows (number int, body text) on commit drop")
        await connection.copy_records_to_table("asyncpg_rows", records=[(i, f"body {i}") for i in range(10000)])
        out = io.BytesIO()
        await connection.copy_from_query("select number from asyncpg_rows order by number", output=out)
        same([str(i).encode() for i in range(10000)], out.getvalue().split())
    await connection.close()


@check("a COPY that fails leaves the connection usable")
async def failed_copy():
    connection = await connect()
    for turn in range(5):
        async def fails():
            async with connection.transaction():
                await connection.execute("create temp table asyncpg_rows (number int) on commit drop")
                await connection.copy_to_table("asyncpg_rows", source=io.BytesIO(b"not a number\n" * 5000))
        raised(asyncpg.InvalidTextRepresentationError, await failure(fails()))
        same(turn, await connection.fetchval("select $1::int", turn))
    await connection.close()


@check("a timeout cancels the query and not the connection")
async def cancel():
    connection = await connect()
    begin = time.monotonic()
    raised(asyncio.TimeoutError, await failure(connection.fetchval("select pg_sleep(30)", timeout=0.3)))
    same(5, await connection.fetchval("select $1::int", 5))
    same(True, time.monotonic() - begin < 20)
    await connection.close()


@check("LISTEN in session mode")
async def listen():
    listener, sender = await connect(SESSION_DATABASE), await connect()
    heard = asyncio.get_running_loop().create_future()
    await listener.add_listener("asyncpg_channel", lambda *note: heard.set_result(note[3]))
    await sender.execute("notify asyncpg_channel, 'hello'")
    same("hello", await asyncio.wait_for(heard, 20))
    await listener.close()
    await sender.close()


run()
