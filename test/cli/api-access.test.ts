import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findApi } from '../../src/cli/api-access.ts'

/** As much of one as is looked at before TLS. */
const CA = '-----BEGIN CERTIFICATE-----'

let directory: string
let keyFile: string
let caFile: string
let readyFile: string

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-api-'))
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  keyFile = write('key', 'pck_panel_key\n')
  caFile = write('ca.crt', CA)
  readyFile = write(
    'demo.json',
    JSON.stringify({
      apiUrl: 'https://localhost:8443',
      apiKey: 'pck_demo_key',
      caFile,
      gatewayAddress: 'localhost:9443',
      gateways: [{ id: 'gw1', address: 'localhost:9443' }],
    }),
  )
})
afterAll(() => rmSync(directory, { recursive: true }))

const nowhere = '/nonexistent/demo.json'

test('options win over the environment', async () => {
  const environment = {
    PORTCULLIS_API: 'https://other',
    PORTCULLIS_KEY_FILE: '/nonexistent',
    PORTCULLIS_CA: '/nonexistent',
  }
  const options = { api: 'https://broker.example:8443', keyFile, ca: caFile }
  const found = await findApi(options, environment, nowhere)
  expect(found.url.origin).toBe('https://broker.example:8443')
  expect(found.key.reveal()).toBe('pck_panel_key')
  expect(found.ca).toBe(CA)
})

test("without an authority the system's are trusted", async () => {
  const found = await findApi({ api: 'https://broker.example:8443', keyFile }, {}, nowhere)
  expect(found).not.toHaveProperty('ca')
})

test('the environment stands in for options', async () => {
  const environment = {
    PORTCULLIS_API: 'https://other',
    PORTCULLIS_KEY_FILE: keyFile,
    PORTCULLIS_CA: caFile,
  }
  const found = await findApi({}, environment, nowhere)
  expect(found).toMatchObject({ ca: CA, url: new URL('https://other') })
})

test('with nothing given the running demo is meant', async () => {
  const found = await findApi({}, {}, readyFile)
  expect(found.url.origin).toBe('https://localhost:8443')
  expect(found.key.reveal()).toBe('pck_demo_key')
  expect(found.ca).toBe(CA)
})

test('what is no key and no certificate goes nowhere', async () => {
  const api = 'https://broker.example'
  await expect(findApi({ api, keyFile: caFile }, {}, nowhere)).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: `--key-file ${caFile}: holds no API key`,
  })
  await expect(findApi({ api, keyFile, ca: keyFile }, {}, nowhere)).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: `--ca ${keyFile}: holds no certificate in PEM`,
  })
})

test("the demo's key is never sent elsewhere", async () => {
  await expect(findApi({ api: 'https://elsewhere' }, {}, readyFile)).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: '--key-file: needed with --api (or PORTCULLIS_KEY_FILE)',
  })
})

test('a ready file that is named wins over the environment', async () => {
  const environment = { PORTCULLIS_API: 'https://other', PORTCULLIS_CA: '/nonexistent' }
  const found = await findApi({ readyFile }, environment, nowhere)
  expect(found.url.origin).toBe('https://localhost:8443')
  expect(found.key.reveal()).toBe('pck_demo_key')
})

test('without a demo it says what to do', async () => {
  await expect(findApi({}, {}, nowhere)).rejects.toThrow(
    /no demo runs here: no \S+demo.json \(npm start .*--ready-file/,
  )
  await expect(findApi({}, {}, caFile)).rejects.toThrow(/is no ready file/)
})

test.each(['http://broker.example', 'broker.example:8443', 'https://user:password@broker.example'])(
  'refuses %s as an API',
  async (api) => {
    await expect(findApi({ api, keyFile }, {}, nowhere)).rejects.toMatchObject({
      code: 'ERR_USAGE',
    })
  },
)
