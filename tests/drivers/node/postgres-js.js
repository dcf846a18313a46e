// postgres.js in transaction mode: many queries in flight, Parse with Describe and Flush, cursors, COPY, cancel; LISTEN in session mode.

import postgres from 'postgres'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { check, later, place, refused, run, same, sessionDatabase } from './checks.js'

async function connected(use, more = {}) {
  const sql = postgres({ ...place, username: place.user, max: 10, onnotice: () => {}, ...more })
  try {
    return await use(sql)
  } finally {
    await sql.end()
  }
}

const numbers = (count) => Array.from({ length: count }, (_, i) => i)

check('ten connections with many queries in flight share two servers', () => connected(async (sql) => {
  const answers = await Promise.all(numbers(500).map((i) => sql`select ${i}::int * 2 as twice`))
  same(answers.map((rows) => rows[0].twice), numbers(500).map((i) => i * 2))
}))

check('max_pipeline of one hundred on one connection, with queries of many shapes', () => connected(async (sql) => {
  const answers = await Promise.all(numbers(400).map((i) => sql`select ${i}::int + ${sql.unsafe(String(i % 30))} as sum`))
  same(answers.map((rows) => rows[0].sum), numbers(400).map((i) => i + i % 30))
}, { max: 1, max_pipeline: 100 }))

check('max_pipeline of one', () => connected(async (sql) => {
  const answers = await Promise.all(numbers(100).map((i) => sql`select ${i}::int as i`))
  same(answers.map((rows) => rows[0].i), numbers(100))
}, { max: 2, max_pipeline: 1 }))

check('without prepared statements', () => connected(async (sql) => {
  const answers = await Promise.all(numbers(200).map((i) => sql`select ${i}::int as i`))
  same(answers.map((rows) => rows[0].i), numbers(200))
}, { prepare: false }))

check('transactions and savepoints', () => connected(async (sql) => {
  await Promise.all(numbers(40).map((i) => sql.begin(async (sql) => {
    const [{ pid }] = await sql`select pg_backend_pid() as pid`
    await refused(sql.savepoint((sql) => sql`select 1 / ${0}::int`), '22012')
    same([...await sql`select pg_backend_pid() as pid, ${i}::int as i`], [{ pid, i }])
  })))
}))

check('errors in the middle of a pipeline are their own query\'s alone', () => connected(async (sql) => {
  const outcomes = await Promise.allSettled(numbers(200).map((i) => sql`select 10 / ${i % 5}::int as part`))
  same(outcomes.map((outcome) => outcome.value?.[0].part ?? outcome.reason.code), numbers(200).map((i) => i % 5 === 0 ? '22012' : Math.trunc(10 / (i % 5))))
}, { max: 2 }))

check('a cursor by Execute and Flush', () => connected(async (sql) => {
  let sum = 0
  await sql`select generate_series(1, ${1000}::int) as i`.cursor(70, (rows) => { for (const row of rows) sum += row.i })
  same(sum, 500500)
  let seen = 0
  await sql`select generate_series(1, 1000) as i`.cursor(10, () => ++seen === 3 ? sql.CLOSE : undefined)
  same([...await sql`select ${seen}::int as seen`], [{ seen: 3 }])
}))

check('COPY in and out', () => connected((sql) => sql.begin(async (sql) => {
  await sql`create temp table js_rows (number int, body text) on commit drop`
  await pipeline(Readable.from(numbers(20000).map((i) => `${i}\tbody ${i}\n`)), await sql`copy js_rows from stdin`.writable())
  // Less than the stream's high-water mark: beyond it the driver may pause its socket for good when the end comes in the same read.
  let text = ''
  for await (const chunk of await sql`copy (select number from js_rows where number < 2000 order by number) to stdout`.readable()) text += chunk
  same(text.trim().split('\n').map(Number), numbers(2000))
  same([...await sql`select count(*)::int as count from js_rows`], [{ count: 20000 }])
})))

check('cancel ends the query and not the connection', () => connected(async (sql) => {
  const query = sql`select pg_sleep(30)`
  const ended = refused(query, '57014')
  await later(300)
  await query.cancel()
  await ended
  same([...await sql`select 5 as five`], [{ five: 5 }])
}, { max: 1 }))

check('LISTEN in session mode', () => connected(async (sql) => {
  const heard = new Promise((resolve) => sql.listen('js_channel', resolve, () => sql.notify('js_channel', 'hello')))
  same(await heard, 'hello')
}, { database: sessionDatabase, max: 2 }))

await run()
