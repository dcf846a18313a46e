"""psycopg 3 in transaction mode with session_state = keep: LISTEN by a connection that the whole pool shares."""

import asyncio
import itertools

import psycopg

from checks import DATABASE, HOST, PASSWORD, PORT, USER, check, run, same


def connect():
    return psycopg.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE, autocommit=True)


async def connect_async():
    return await psycopg.AsyncConnection.connect(
        host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=DATABASE, autocommit=True)


@check("notifies() of a listener that has no server")
def listen():
    with connect() as listener, connect() as sender:
        listener.execute("listen psycopg_one")
        for number in range(20):
            sender.execute("select pg_notify('psycopg_one', %s)", (str(number),))
        texts = [notification.payload for notification in itertools.islice(listener.notifies(), 20)]
        same([str(number) for number in range(20)], texts)


@check("a notification of one's own has one's own process id, another's has not")
def own():
    with connect() as listener, connect() as sender:
        heard = []
        listener.add_notify_handler(heard.append)
        listener.execute("listen psycopg_two")
        listener.execute("notify psycopg_two, 'own'")
        same([("own", True)], [(told.payload, told.pid == listener.info.backend_pid) for told in heard])
        sender.execute("notify psycopg_two, 'other'")
        for told in itertools.islice(listener.notifies(), 1):
            same(("other", False), (told.payload, told.pid == listener.info.backend_pid))


@check("50 tasks listen on two servers")
async def many():
    async def client(number, sender):
        async with await connect_async() as connection:
            await connection.execute(f"listen psycopg_{number}")
            await sender.execute(f"notify psycopg_{number}, 'x{number}'")
            async for told in connection.notifies():
                same(f"x{number}", told.payload)
                return
            raise AssertionError("no notification")

    async with await connect_async() as sender:
        await asyncio.gather(*(client(number, sender) for number in range(50)))


run()
