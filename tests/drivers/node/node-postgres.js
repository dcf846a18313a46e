// node-postgres in transaction mode: named and unnamed statements, cursors, COPY, cancel; LISTEN in session mode.

import pg from 'pg'
import Cursor from 'pg-cursor'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { check, clients, later, place, refused, run, same, sessionDatabase } from './checks.js'

async function connected(use, more = {}) {
  const client = new pg.Client({ ...place, ...more })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

check(`${clients} clients share two servers, each with named statements`, async () => {
  await Promise.all(Array.from({ length: clients }, (_, number) => connected(async (client) => {
    for (let turn = 0; turn < 5; turn++) {
      const sum = { name: 'sum', text: 'select $1::int + $2::int as sum', values: [number, turn] }
      same((await client.query(sum)).rows, [{ sum: number + turn }])
      same((await client.query({ name: `own ${number % 7}`, text: `select $1::int * ${number % 7} as own`, values: [turn] })).rows, [{ own: turn * (number % 7) }])
      same((await client.query('select $1::text as text', [`${number}/${turn}`])).rows, [{ text: `${number}/${turn}` }])
      await client.query('begin')
      const before = await client.query('select pg_backend_pid() as pid')
      same((await client.query('select pg_backend_pid() as pid')).rows, before.rows)
      await client.query('commit')
    }
  })))
})

check('queries that are queued at once are answered in order', () => connected(async (client) => {
  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => client.query({ name: 'twice', text: 'select $1::int * 2 as twice', values: [i] })))
  same(answers.map((answer) => answer.rows[0].twice), Array.from({ length: 300 }, (_, i) => i * 2))
}))

check('a pool of the driver\'s own', async () => {
  const pool = new pg.Pool({ ...place, max: 10 })
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => pool.query('select $1::int as i', [i])))
  same(answers.map((answer) => answer.rows[0].i), Array.from({ length: 200 }, (_, i) => i))
  await pool.end()
})

check('errors leave the connection usable', () => connected(async (client) => {
  for (let turn = 0; turn < 5; turn++) {
    await refused(client.query({ name: 'broken', text: 'selec 1' }), '42601')
    await refused(client.query({ name: 'zero', text: 'select 1 / $1::int', values: [0] }), '22012')
    same((await client.query({ name: 'good', text: 'select $1::int as i', values: [turn] })).rows, [{ i: turn }])
  }
}))

check('a cursor by portal and row limit', () => connected(async (client) => {
  await client.query('begin')
  const cursor = client.query(new Cursor('select generate_series(1, $1::int) as i', [1000]))
  let sum = 0
  for (let rows = await cursor.read(70); rows.length > 0; rows = await cursor.read(70)) sum += rows.reduce((total, row) => total + row.i, 0)
  same(sum, 500500)
  await cursor.close()
  await client.query('commit')
  same((await client.query('select 1 as one')).rows, [{ one: 1 }])
}))

check('COPY in and out', () => connected(async (client) => {
  await client.query('begin')
  await client.query('create temp table node_rows (number int, body text) on commit drop')
  await pipeline(Readable.from(Array.from({ length: 20000 }, (_, i) => `${i}\tbody ${i}\n`)), client.query(copyFrom('copy node_rows from stdin')))
  let text = ''
  for await (const chunk of client.query(copyTo('copy (select number from node_rows order by number) to stdout'))) text += chunk
  same(text.trim().split('\n').map(Number), Array.from({ length: 20000 }, (_, i) => i))
  await client.query('commit')
}))

check('a COPY that fails leaves the connection usable', () => connected(async (client) => {
  for (let turn = 0; turn < 5; turn++) {
    await client.query('begin')
    await client.query('create temp table node_rows (number int) on commit drop')
    await refused(pipeline(Readable.from(Array.from({ length: 2000 }, () => 'not a number\n')), client.query(copyFrom('copy node_rows from stdin'))), '22P02')
    await client.query('rollback')
    same((await client.query('select $1::int as i', [turn])).rows, [{ i: turn }])
  }
}))

check('cancel ends the query and not the connection', () => connected(async (client) => {
  const query = new pg.Query('select pg_sleep(30)')
  const ended = new Promise((resolve, reject) => query.on('end', resolve).on('error', reject))
  client.query(query)
  await later(300)
  new pg.Client(place).cancel(client, query)
  await refused(ended, '57014')
  same((await client.query('select 5 as five')).rows, [{ five: 5 }])
}))

check('LISTEN in session mode', () => connected(async (listener) => {
  const heard = new Promise((resolve) => listener.on('notification', (note) => resolve(note.payload)))
  await listener.query('listen node_channel')
  await connected((sender) => sender.query("notify node_channel, 'hello'"))
  same(await heard, 'hello')
}, { database: sessionDatabase }))

await run()
