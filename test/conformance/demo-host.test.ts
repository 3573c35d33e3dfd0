import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDemoHost, type DemoHost } from '../../src/demo/host/index.ts'
import { createLog, systemClock } from '../../src/lib/index.ts'
import { SecurityProtocol } from '../../src/protocol/index.ts'
import { showsCard } from '../helpers/demo-card.ts'
import { eventually } from '../helpers/eventually.ts'
import { hex } from '../helpers/hex.ts'
import { RdpClient } from '../helpers/rdp-client.ts'
import {
  clientInfo,
  confirmActive,
  connectInitial,
  coreBlock,
  createRequest,
  fastPathInput,
  keyStroke,
  refreshRect,
  sendData,
  shareData,
} from '../helpers/rdp-messages.ts'
import { createTestKeyPair } from '../helpers/test-key-pair.ts'

/** The demo host against a client of our own on loopback: [MS-RDPBCGR] as far as the host speaks it. */

const SIZE = { width: 640, height: 400 }
/** Longer than a busy machine takes, and less than the host gives for set-up (20 s). */
const CLOSED_MS = 15_000
const FULL_SCREEN: [number, number, number, number] = [0, 0, 0xffff, 0xffff]

let host: DemoHost
let at: { address: string; port: number }
let tls: { certificatePem: string; privateKeyPem: string }
let log: string[]
const clients: RdpClient[] = []

beforeAll(async () => {
  tls = await createTestKeyPair()
})

beforeEach(async () => {
  log = []
  const stream = { write: (line: string) => log.push(line) }
  host = createDemoHost({ name: 'web-01', tls, clock: systemClock, log: createLog({ stream }) })
  at = await host.listen()
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.end()
  await host.close()
})

async function connected(): Promise<RdpClient> {
  const client = await RdpClient.connect(at, SIZE)
  clients.push(client)
  return client
}

async function opened(core = {}): Promise<RdpClient> {
  const client = await RdpClient.open(at, { ...SIZE, ...core })
  clients.push(client)
  return client
}

const isClosed = (client: RdpClient) =>
  eventually('closed', () => client.closed, { timeoutMs: CLOSED_MS, intervalMs: 20 })

const shows = (client: RdpClient, typed: string) =>
  eventually(
    `card with "${typed}"`,
    () => showsCard(client, { name: 'web-01', size: SIZE, typed }),
    { intervalMs: 40 },
  )

describe('drawing', () => {
  test('draws the whole card', async () => {
    await shows(await opened(), '')
  })

  test('draws on slow-path for a client without fast-path output', async () => {
    await shows(await opened({ extraFlags: 0x0400 }), '')
  })

  test('adds compression headers for a client that wants them', async () => {
    await shows(await opened({ extraFlags: 0x0001 }), '')
  })

  test('sends nothing between Font Map and 200 ms later', async () => {
    const client = await connected()
    await client.secure()
    await client.join(SIZE)
    // Nobody has sent a Font Map yet.
    const before = performance.now()
    await client.activate()
    await eventually('a picture', () => client.updates > 0, { intervalMs: 5 })
    expect(performance.now() - before).toBeGreaterThan(190)
  })

  test('shows keys of both input forms', async () => {
    const client = await opened()
    client.send(fastPathInput([...keyStroke(0x23), ...keyStroke(0x17)]))
    await shows(client, 'hi')
    client.sendIo(shareData(28, hex('01 00 00 00  00 00 00 00 04 00 00 00 02 00 00 00')))
    await shows(client, 'hi1')
  })

  test('stops while output is suppressed, and sends a whole picture after', async () => {
    const client = await opened()
    await shows(client, '')
    client.sendIo(shareData(35, hex('00 00 00 00')))
    client.send(fastPathInput(keyStroke(0x1e)))
    await sleep(1_300)
    expect(showsCard(client, { name: 'web-01', size: SIZE, typed: '' })).toBe(true)
    client.pixels.fill(0)
    client.sendIo(shareData(35, hex('01 00 00 00 00 00 00 00 7f 02 8f 01')))
    await shows(client, 'a')
  })
})

describe('limits', () => {
  test('a request for 255 full screens is answered by one', async () => {
    const client = await opened()
    await shows(client, '')
    const before = client.receivedBytes
    client.sendIo(refreshRect(...Array<typeof FULL_SCREEN>(255).fill(FULL_SCREEN)))
    await eventually('a picture', () => client.receivedBytes - before > 5_000, { intervalMs: 20 })
    await sleep(500)
    expect(client.receivedBytes - before).toBeLessThan(40_000)
  })

  test('a stream of such requests is served at the pace of the host', async () => {
    const client = await opened()
    await shows(client, '')
    const before = client.receivedBytes
    const request = refreshRect(FULL_SCREEN)
    const end = performance.now() + 1_000
    while (performance.now() < end) {
      for (let count = 0; count < 50; count += 1) client.sendIo(request)
      await sleep(5)
    }
    expect(client.receivedBytes - before).toBeLessThan(30 * 40_000)
  })

  test('a client that never reads does not hold up another', async () => {
    const deaf = await opened()
    deaf.pause()
    for (let count = 0; count < 500; count += 1) deaf.sendIo(refreshRect(FULL_SCREEN))
    await shows(await opened(), '')
  })

  test('the 17th viewer is turned away, and let in when one has left', async () => {
    const viewers = []
    for (let count = 0; count < 16; count += 1) viewers.push(await connected())
    await isClosed(await connected())
    viewers[0]?.end()
    await eventually('room', async () => (await opened()).updates > 0)
  })

  test('a desktop beyond the limits is brought inside of them', async () => {
    const client = await connected()
    await client.secure()
    await client.join({ width: 65_535, height: 1 })
    const demandActive = await client.receive()
    expect(demandActive.includes(hex('00 10 c8 00 00 00 01 00 01 00'))).toBe(true)
  })
})

describe('ending', () => {
  test('close says why: Set Error Info and ultimatum, for a client that understands', async () => {
    const client = await opened()
    client.messages.length = 0
    await host.close()
    await isClosed(client)
    expect(client.messages.map((message) => message.subarray(-4))).toEqual([
      hex('01 00 00 00'),
      hex('21 80'),
    ])
  })

  test('close says only that the host ended it to a client that does not', async () => {
    const client = await opened({ earlyFlags: 0 })
    client.messages.length = 0
    await host.close()
    await isClosed(client)
    expect(client.messages).toEqual([hex('20 80')])
  })

  test.each([
    ['before its request', []],
    ['within its request', [hex('03 00 00')]],
    ['before its TLS hello', [hex('03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 01 00 00 00')]],
  ])('close does not wait for a client that hangs %s', async (_, bytes) => {
    const client = await connected()
    for (const part of bytes) client.send(part)
    client.drain()
    await sleep(50)
    const start = performance.now()
    await host.close()
    expect(performance.now() - start).toBeLessThan(CLOSED_MS)
    await isClosed(client)
  })

  test('a shutdown request is granted by closing', async () => {
    const client = await opened()
    client.sendIo(shareData(36, hex('')))
    await isClosed(client)
  })

  test('an ultimatum ends the connection without an error', async () => {
    const client = await opened()
    client.sendMcs(hex('21 80'))
    await isClosed(client)
    await eventually('log line', () => log.some((line) => line.includes('viewer.closed')))
    expect(log.join('')).not.toContain('"error"')
  })
})

describe('what clients may leave out or add', () => {
  test('Client Info straight after attach', async () => {
    const client = await connected()
    await client.secure()
    client.sendMcs(connectInitial(createRequest(coreBlock({ ...SIZE, earlyFlags: 0x0801 }))))
    const response = await client.receive()
    expect(response.includes(hex('01 0c 10 00 04 00 08 00 01 00 00 00 08 00 00 00'))).toBe(true)
    client.sendMcs(hex('28'))
    await client.receive()
    client.sendMcs(sendData(1004, 1003, clientInfo()))
    await client.receive()
    await client.activate()
    await shows(client, '')
  })

  test('a join of an unknown channel is refused, and the connection goes on', async () => {
    const client = await connected()
    await client.secure()
    client.sendMcs(connectInitial(createRequest(coreBlock(SIZE))))
    await client.receive()
    client.sendMcs(hex('28'))
    await client.receive()
    client.sendMcs(hex('38 00 03 07 d0'))
    expect(await client.receive()).toEqual(hex('3f c0 00 03 07 d0 07 d0'))
    expect(client.closed).toBe(false)
  })

  test('unknown data types, a second Font List, data on static channels', async () => {
    const client = await opened()
    client.sendIo(shareData(200, hex('00 00')))
    client.sendIo(shareData(39, hex('00 00 00 00 03 00 32 00')))
    client.sendMcs(sendData(1006, 1004, hex('aa bb cc')))
    client.send(fastPathInput(keyStroke(0x1e)))
    await shows(client, 'a')
  })
})

describe('refuses before TLS', () => {
  test.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a TLS hello', hex('16 03 01 02 00 01')],
    ['a TPKT of length 0', hex('03 00 00 00')],
    ['a TPKT over 1,024 bytes', hex('03 00 04 01')],
    [
      'bytes after the request',
      hex('03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 01 00 00 00 16 03'),
    ],
    ['a wrong length indicator', hex('03 00 00 13 0d e0 00 00 00 00 00 01 00 08 00 01 00 00 00')],
  ])('%s', async (_, bytes) => {
    const client = await connected()
    client.send(bytes)
    await isClosed(client)
  })

  test.each([
    ['no negotiation', SecurityProtocol.rdp],
    ['CredSSP only', SecurityProtocol.hybrid],
  ])('%s, and says that it wants TLS', async (_, protocols) => {
    const client = await connected()
    await expect(client.secure(protocols)).rejects.toThrow('host answered failure')
    await isClosed(client)
  })

  test('garbage instead of TLS', async () => {
    const client = await connected()
    client.send(hex('03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 01 00 00 00'))
    client.drain()
    await sleep(50)
    client.send(Buffer.alloc(100, 0xaa))
    await isClosed(client)
  })
})

describe('refuses out of order', () => {
  test.each([
    ['attach before connect', [hex('28')]],
    ['a second attach', [connectInitial(createRequest(coreBlock())), hex('28'), hex('28')]],
    [
      'data before attach',
      [connectInitial(createRequest(coreBlock())), sendData(1004, 1003, hex('00'))],
    ],
    [
      'data on a channel that was never given',
      [connectInitial(createRequest(coreBlock())), hex('28'), sendData(1004, 1099, hex('00'))],
    ],
    ['a broken Connect-Initial', [hex('7f 65 84 00 00 00 01 00')]],
  ])('%s', async (_, messages) => {
    const client = await connected()
    await client.secure()
    for (const message of messages) client.sendMcs(message)
    await isClosed(client)
  })

  test('fast-path input before activation', async () => {
    const client = await connected()
    await client.secure()
    await client.join(SIZE)
    client.send(fastPathInput(keyStroke(0x1e)))
    await isClosed(client)
  })

  test.each([
    ['a second Confirm Active', sendData(1006, 1003, confirmActive())],
    ['compressed data', sendData(1006, 1003, shareData(28, hex('00 00 00 00'), 0x21))],
    ['a count of areas past the end', sendData(1006, 1003, shareData(33, hex('05 00 00 00')))],
    ['a second attach', hex('28')],
    ['an MCS length that is not the rest', hex('64 00 05 03 eb 70 05 00')],
  ])('when active, %s', async (_, message) => {
    const client = await opened()
    client.sendMcs(message)
    await isClosed(client)
  })

  test.each([
    ['fast-path input with security flags', hex('44 04 00 1e')],
    ['fast-path input with too few events', hex('08 04 00 1e')],
    ['a frame over the limit', hex('03 00 ff ff')],
  ])('when active, %s', async (_, bytes) => {
    const client = await opened()
    client.send(bytes)
    await isClosed(client)
  })
})

test('random bytes after activation end that connection only', async () => {
  const witness = await opened()
  for (let round = 0; round < 8; round += 1) {
    const client = await opened()
    client.send(noise(round))
    client.end()
  }
  witness.send(fastPathInput(keyStroke(0x1e)))
  await shows(witness, 'a')
})

/** 200 bytes that look random and are the same in every run. */
function noise(seed: number): Uint8Array {
  return Uint8Array.from({ length: 200 }, (_, index) => (index * 73 + seed * 31) ^ (index >> 2))
}
