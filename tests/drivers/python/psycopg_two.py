"""psycopg2 in transaction mode: the simple protocol, COPY, cancel; LISTEN in session mode."""

import io
import select
import threading
import time

import psycopg2
import psycopg2.errors
import psycopg2.extras

from checks import DATABASE, HOST, PASSWORD, PORT, SESSION_DATABASE, USER, check, raised, run, same


def connect(database=DATABASE, **more):
    return psycopg2.connect(host=HOST, port=PORT, user=USER, password=PASSWORD, dbname=database, **more)


@check("threads share two servers")
def many():
    failures = []

    def client(number):
        try:
            connection = connect()
            for turn in range(10):
                with connection, connection.cursor() as cursor:
                    cursor.execute("select %s + %s, pg_backend_pid()", (number, turn))
                    total, pid = cursor.fetchone()
                    cursor.execute("select pg_backend_pid()")
                    same((number + turn, pid), (total, cursor.fetchone()[0]))
            connection.close()
        except Exception as exception:
            failures.append(exception)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same([], failures)


@check("a DateStyle of the client's own becomes ISO by a SET, and dates come right")
def date_style():
    connection = connect(options="-c datestyle=German")
    with connection.cursor() as cursor:
        cursor.execute("select date '2001-02-03'")
        same("2001-02-03", cursor.fetchone()[0].isoformat())
    connection.close()


@check("many rows in one statement, and COPY in and out")
def rows():
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("create temp table two_rows (number int, body text) on commit drop")
        psycopg2.extras.execute_values(cursor, "insert into two_rows values %s", [(i, "x") for i in range(5000)])
        cursor.copy_expert("copy two_rows from stdin", io.StringIO("".join(f"{i}\ty\n" for i in range(5000, 20000))))
        out = io.StringIO()
        cursor.copy_expert("copy (select number from two_rows order by number) to stdout", out)
        same([str(i) for i in range(20000)], out.getvalue().split())


@check("cancel ends the query and not the connection")
def cancel():
    connection = connect()
    connection.autocommit = True
    timer = threading.Timer(0.3, connection.cancel)
    timer.start()
    error, begin = None, time.monotonic()
    with connection.cursor() as cursor:
        try:
            cursor.execute("select pg_sleep(30)")
        except psycopg2.errors.QueryCanceled as exception:
            error = exception
        timer.join()
        raised(psycopg2.errors.QueryCanceled, error)
        same(True, time.monotonic() - begin < 20)
        cursor.execute("select 5")
        same((5,), cursor.fetchone())
    connection.close()


@check("LISTEN in session mode")
def listen():
    listener, sender = connect(SESSION_DATABASE), connect()
    listener.autocommit = sender.autocommit = True
    listener.cursor().execute("listen two_channel")
    sender.cursor().execute("notify two_channel, 'hello'")
    same(True, bool(select.select([listener], [], [], 20)[0]))
    listener.poll()
    same(["hello"], [note.payload for note in listener.notifies])
    listener.close()
    sender.close()


run()
