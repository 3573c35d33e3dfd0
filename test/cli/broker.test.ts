import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { callApi } from '../../src/cli/api-client.ts'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { reportExpiry } from '../../src/cli/expiry-watch.ts'
import { Secret } from '../../src/lib/index.ts'
import { type BrokerFiles, createBrokerFiles, start } from './running-broker.ts'

let files: BrokerFiles
let broker: RunningBroker
let ca: string
let url: URL

beforeAll(async () => {
  files = await createBrokerFiles()
  broker = await start(files.config)
  ca = readFileSync(files.caFile, 'utf8')
  url = new URL(`https://127.0.0.1:${broker.address.port}`)
})
afterAll(async () => {
  await broker.close()
  files.remove()
})

const list = z.object({ items: z.array(z.object({ id: z.string() })) })

test('answers the API over TLS with what its store holds', async () => {
  const { items } = await callApi({ url, key: files.key, ca }, 'GET', '/v1/vms', { answer: list })
  expect(items).toEqual([{ id: 'web' }])
})

test('serves the portal on the same origin', async () => {
  const text = await new Promise<string>((resolve, reject) => {
    request(new URL('/sign-in', url), { ca, agent: false }, (answer) => {
      let page = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        page += chunk
      })
      answer.once('end', () => resolve(page))
    })
      .once('error', reject)
      .end()
  })
  expect(text).toContain('<form')
})

test('tells who follows its events of a certificate that ends soon', async () => {
  const heard = new Promise<string>((resolve, reject) => {
    const headers = { Authorization: `Bearer ${files.key.reveal()}` }
    const asking = request(new URL('/v1/events', url), { ca, agent: false, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (text.includes('event: cert.expiring')) {
          resolve(text)
          asking.destroy()
        }
      })
      const inAYear = { now: () => Date.now() + 400 * 24 * 60 * 60_000 }
      const { log, signing } = broker
      const others = () => [{ name: 'issuer', certificate: signing() }]
      reportExpiry({ config: {}, clock: inAYear, log, others })
    })
    asking.on('error', reject).end()
  })
  expect(await heard).toContain('"certificate":"issuer"')
})

test('speaks no TLS below 1.2', async () => {
  const socket = connect({
    host: '127.0.0.1',
    port: broker.address.port,
    ca,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  await new Promise((resolve) => socket.once('error', resolve))
  expect(socket.authorized).toBe(false)
})

test('a port that is taken is named', async () => {
  const config = { ...files.config, listen: broker.address }
  await expect(start(config)).rejects.toMatchObject({
    code: 'ERR_START',
    message: `listen on 127.0.0.1:${broker.address.port}: in use`,
  })
})

test('refuses development certificates unless the configuration takes them', async () => {
  await expect(start({ ...files.config, development: false })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    path: 'tls.certificateFile',
  })
})

test('refuses a publisher whose key clients cannot verify', async () => {
  await expect(start({ ...files.config, publisher: files.config.issuer })).rejects.toMatchObject({
    code: 'ERR_CERTIFICATE',
    message: expect.stringContaining('publisher certificate: need an RSA key'),
  })
})

test("refuses a key that is not the certificate's", async () => {
  const issuer = { ...files.config.issuer, privateKeyFile: files.config.tls.privateKeyFile }
  await expect(start({ ...files.config, issuer })).rejects.toMatchObject({
    code: 'ERR_CERTIFICATE',
  })
})

test('names a file that is missing', async () => {
  const tls = { ...files.config.tls, certificateFile: '/nonexistent/tls.crt' }
  await expect(start({ ...files.config, tls })).rejects.toThrow('tls.certificateFile')
})

test('a client says in one line what went wrong', async () => {
  const call = (access: Parameters<typeof callApi>[0], path = '/v1/vms') =>
    callApi(access, 'GET', path, { answer: list })
  const key = files.key
  await expect(call({ url, key: new Secret('pck_x_wrong'), ca })).rejects.toMatchObject({
    code: 'ERR_REFUSED',
    message: expect.stringMatching(/^unauthorized: .* \(reference [\w-]{9}\)$/),
  })
  await expect(call({ url, key, ca }, '/healthz')).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
  await expect(call({ url, key })).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
  const nowhere = new URL('https://127.0.0.1:1')
  await expect(call({ url: nowhere, key, ca })).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
})
