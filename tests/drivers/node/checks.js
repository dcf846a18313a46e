// What the two Node programs share: where the pooler is, and a line of output for each check.
// The environment says where: PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE (transaction mode), SESSION_DATABASE (session mode).

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

export const place = {
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  user: process.env.PGUSER,
  password: process.env.PGPASSWORD,
  database: process.env.PGDATABASE,
  ssl: process.env.PGSSLMODE === 'verify-full' ? { ca: readFileSync(process.env.PGSSLROOTCERT) } : false,
}
export const sessionDatabase = process.env.SESSION_DATABASE
export const clients = 50

const patienceMs = 20_000
const checks = []

export const check = (name, run) => checks.push({ name, run })

export const same = (actual, expected) => assert.deepEqual(actual, expected)

/** The promise must be refused with this SQLSTATE. */
export async function refused(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, String(error))
    return true
  })
}

export const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs every check; the exit code says whether all were good. */
export async function run() {
  let failed = 0
  for (const { name, run } of checks) {
    let timer
    const deadline = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`not within ${patienceMs} ms`)), patienceMs) })
    try {
      await Promise.race([run(), deadline])
      console.log(`ok ${name}`)
    } catch (error) {
      failed++
      console.log(`FAILED ${name}: ${String(error.stack ?? error).replaceAll('\n', ' ')}`)
    }
    clearTimeout(timer)
  }
  process.exit(failed === 0 ? 0 : 1)
}
