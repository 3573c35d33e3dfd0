import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/certs/index.ts'
import { renderHaproxy } from '../../src/farm/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { openConnection } from '../helpers/packet-client.ts'
import { accepts, freePort } from '../helpers/ports.ts'
import {
  findProgram,
  type RunningProgram,
  START_MS,
  startProgram,
  testWithPrograms,
} from '../helpers/programs.ts'

/** In place of the two minutes that a client may be silent; a busy machine may keep this process waiting as well. */
const SILENCE_MS = 6_000
const MAX_PER_ADDRESS = 1_024

describe('HAProxy that ends TLS, against clients that keep it waiting', () => {
  let directory: string
  let haproxy: RunningProgram
  let node: Server
  let port: number
  let ca: string
  const sockets: Socket[] = []

  beforeAll(async () => {
    if (findProgram('haproxy') === undefined) return
    directory = await mkdtemp(join(tmpdir(), 'portcullis-silence-'))
    const common = { organization: 'Example', notBefore: new Date(Date.now() - 60_000), days: 1 }
    const authority = await createAuthority({ ...common, commonName: 'authority' })
    const names = ['localhost', '127.0.0.1']
    const tls = await issueCertificate({
      ...common,
      ...{ authority, names, role: 'tls', commonName: 'localhost' },
    })
    ca = authority.certificatePem
    const certificateFile = join(directory, 'tls.pem')
    await writeFile(certificateFile, `${tls.certificatePem}\n${tls.privateKeyPem}`)
    node = createServer((socket) => {
      socket.on('error', () => {}).on('data', () => socket.write('.'))
    })
    node.listen(0, '127.0.0.1')
    await once(node, 'listening')
    const listening = node.address()
    if (listening === null || typeof listening === 'string') throw new TypeError('no port')
    port = await freePort()
    const text = renderHaproxy({
      name: 'test',
      address: `localhost:${port}`,
      mode: 'terminate',
      listen: `127.0.0.1:${port}`,
      certificateFile,
      nodes: [{ name: 'gw1', address: `127.0.0.1:${listening.port}`, tls: false }],
    })
    const configFile = join(directory, 'haproxy.cfg')
    // This node answers no check.
    const quick = text.replaceAll(/\b2m\b/g, `${SILENCE_MS}ms`).replace(' check inter', ' inter')
    await writeFile(configFile, quick)
    haproxy = startProgram('haproxy', ['-db', '-f', configFile])
    await eventually('HAProxy listens', () => accepts(port), {
      ...{ timeoutMs: START_MS, context: haproxy.output },
    })
  })

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  afterAll(async () => {
    await haproxy?.stop()
    node?.close()
    if (directory !== undefined) await rm(directory, { recursive: true })
  })

  testWithPrograms(['haproxy'], 'who never begins TLS is closed', async () => {
    await closeOf(dial())
  })

  testWithPrograms(
    ['haproxy'],
    'who says nothing inside TLS, or too slowly, is closed',
    async () => {
      const silent = await openConnection({ port, ca })
      const slow = await openConnection({ port, ca })
      const trickle = setInterval(() => slow.write(Buffer.from('R')), SILENCE_MS / 5)
      try {
        await Promise.all([silent.closed, slow.closed])
      } finally {
        clearInterval(trickle)
      }
    },
  )

  testWithPrograms(['haproxy'], 'a tunnel at rest lives on', async () => {
    const tunnel = await openConnection({ port, ca })
    tunnel.write(Buffer.from('RDG_OUT_DATA / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    await tunnel.read(1)
    await sleep(2 * SILENCE_MS)
    tunnel.write(Buffer.from('more'))
    await tunnel.read(1)
    tunnel.socket.destroy()
  })

  testWithPrograms(['haproxy'], 'one address cannot take the places of the others', async () => {
    const flood = Array.from({ length: MAX_PER_ADDRESS + 10 }, () => dial('127.0.0.9'))
    let closedAtOnce = 0
    for (const socket of flood) {
      let connectedAtMs = performance.now()
      socket.once('connect', () => {
        connectedAtMs = performance.now()
      })
      // Not for its silence.
      socket.once('close', () => {
        if (performance.now() - connectedAtMs < SILENCE_MS / 2) closedAtOnce += 1
      })
    }
    await eventually('the ones too many are closed', () => closedAtOnce >= 10, { intervalMs: 10 })
    const other = await openConnection({ port, ca })
    other.socket.destroy()
  })

  function closeOf(socket: Socket): Promise<void> {
    return new Promise((resolve) => socket.once('close', () => resolve()))
  }

  function dial(localAddress = '127.0.0.1'): Socket {
    const socket = connect({ host: '127.0.0.1', port, localAddress })
    sockets.push(socket.on('error', () => {}).resume())
    return socket
  }
})
