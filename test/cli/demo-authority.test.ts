import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { demoAuthority } from '../../src/cli/demo-authority.ts'

let directory: string
let caFile: string
let readyFile: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-demo-'))
  caFile = join(directory, 'ca.crt')
  readyFile = join(directory, 'demo.json')
  writeFileSync(caFile, 'PEM')
})
afterAll(() => rmSync(directory, { recursive: true }))

function writeReady(change: Record<string, unknown> = {}): void {
  const gateways = [
    { id: 'gw1', address: 'localhost:9443' },
    { id: 'gw2', address: 'LOCALHOST.:9444' },
  ]
  const api = { apiUrl: 'https://localhost:8443', apiKey: 'pck_demo_key' }
  const ready = { ...api, gatewayAddress: 'localhost:9443', gateways, caFile, ...change }
  writeFileSync(readyFile, JSON.stringify(ready))
}

test.each([9443, 9444])("is there for the demo's gateway on port %i", (port) => {
  writeReady()
  expect(demoAuthority({ host: 'localhost', port }, readyFile)).toBe('PEM')
})

test.each([
  { host: 'localhost', port: 443 },
  { host: 'rdgw.example', port: 9443 },
])('vouches for no other gateway: $host:$port', (gateway) => {
  writeReady()
  expect(demoAuthority(gateway, readyFile)).toBeUndefined()
})

test('is absent without a demo, and with a ready file that is none', () => {
  const gateway = { host: 'localhost', port: 9443 }
  expect(demoAuthority(gateway, join(directory, 'nowhere.json'))).toBeUndefined()
  writeFileSync(readyFile, '{"gatewayAddress":')
  expect(demoAuthority(gateway, readyFile)).toBeUndefined()
})

test("an authority that can't be read is an error, not the system's roots", () => {
  writeReady({ caFile: join(directory, 'gone.crt') })
  expect(() => demoAuthority({ host: 'localhost', port: 9443 }, readyFile)).toThrow(
    /the demo's authority .*gone\.crt/,
  )
})
