import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as ws from 'ws'
import { createFrameReader } from '../../../src/gateway/transport/websocket-reader.ts'
import { clientFrame } from '../../helpers/websocket-frames.ts'

/** What a reader made of some bytes: the payload of all messages as one stream. */
interface Seen {
  data: string
  pings: string[]
  end: 'none' | 'close' | number
}

const hex = (pieces: Uint8Array[]): string => Buffer.concat(pieces).toString('hex')

function readOurs(pieces: Uint8Array[]): Seen {
  const data: Buffer[] = []
  const seen: Seen = { data: '', pings: [], end: 'none' }
  const read = createFrameReader({
    onBinary: (piece) => void data.push(Buffer.from(piece)),
    onPing: (payload) => void seen.pings.push(payload.toString('hex')),
    onClose: () => {
      seen.end = 'close'
    },
    onError: (_, closeCode) => {
      seen.end = closeCode
    },
  })
  for (const piece of pieces) read(Buffer.from(piece))
  return { ...seen, data: hex(data) }
}

/** The oracle: the receiver of `ws`, whose types leave it out. */
async function readWs(pieces: Uint8Array[]): Promise<Seen> {
  const data: Buffer[] = []
  const seen: Seen = { data: '', pings: [], end: 'none' }
  const { Receiver } = ws as unknown as {
    Receiver: new (
      options: object,
    ) => NodeJS.EventEmitter & {
      writable: boolean
      write(bytes: Buffer): void
    }
  }
  const receiver = new Receiver({ isServer: true, maxPayload: 256 * 1024, maxFragments: 1_024 })
  receiver.on('message', (message: Buffer) => void data.push(message))
  receiver.on('ping', (payload: Buffer) => void seen.pings.push(payload.toString('hex')))
  receiver.on('conclude', () => {
    seen.end = 'close'
  })
  receiver.on('error', (error: Error & { code: string }) => {
    seen.end = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 1009 : 1002
  })
  for (const piece of pieces) {
    if (receiver.writable) receiver.write(Buffer.from(piece))
  }
  await new Promise(setImmediate)
  return { ...seen, data: hex(data) }
}

function split(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  )
}

const payload = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength, size: 'max' }).map((bytes) => Buffer.from(bytes))

const ping = payload(125).map((data) => clientFrame({ opcode: 9, payload: data }))
const pong = payload(125).map((data) => clientFrame({ opcode: 10, payload: data }))

/** A binary message in one to four frames, control frames between them. */
const message = fc
  .tuple(fc.array(payload(700), { minLength: 1, maxLength: 4 }), fc.array(fc.oneof(ping, pong)))
  .map(([parts, controls]) =>
    Buffer.concat(
      parts.flatMap((part, index) => [
        clientFrame({
          opcode: index === 0 ? 2 : 0,
          fin: index === parts.length - 1,
          payload: part,
        }),
        controls[index] ?? Buffer.alloc(0),
      ]),
    ),
  )

const frames = fc
  .array(fc.oneof(message, ping, pong), { maxLength: 6 })
  .map((all) => Buffer.concat(all))
const size = fc.integer({ min: 1, max: 2_000 })

test('reads messages, fragments and control frames as ws does, at any split', async () => {
  await fc.assert(
    fc.asyncProperty(frames, size, async (bytes, pieceBytes) => {
      const pieces = split(bytes, pieceBytes)
      expect(readOurs(pieces)).toEqual(await readWs(pieces))
    }),
  )
})

test('a frame of any header ends as with ws, but for text', async () => {
  const any = fc.record({
    fin: fc.boolean(),
    reserved: fc.constantFrom(0, 0, 0, 0x10, 0x20, 0x40),
    opcode: fc.integer({ min: 0, max: 15 }).filter((opcode) => opcode !== 1),
    masked: fc.boolean(),
    payload: payload(200),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(any, { minLength: 1, maxLength: 3 }),
      size,
      async (all, pieceBytes) => {
        const pieces = split(Buffer.concat(all.map(clientFrame)), pieceBytes)
        const [ours, theirs] = [readOurs(pieces), await readWs(pieces)]
        expect(ours.end).toBe(theirs.end)
        expect(ours.pings).toEqual(theirs.pings)
        // We hand on what came of a message that never got whole.
        expect(ours.data.startsWith(theirs.data)).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})

test('bytes altered on the way end as with ws, but for text', async () => {
  await fc.assert(
    fc.asyncProperty(frames, fc.nat(), fc.nat({ max: 255 }), async (bytes, at, value) => {
      fc.pre(bytes.length > 0)
      const altered = Buffer.from(bytes)
      altered[at % bytes.length] = value
      const ours = readOurs([altered])
      fc.pre(ours.end !== 1003)
      expect(ours.end).toBe((await readWs([altered])).end)
    }),
    // The same bytes every time: where both readers find two faults, which one is named first may differ.
    { numRuns: 300, seed: 20_261_121 },
  )
})

test.each([
  ['a code and a reason', Buffer.from('\x03\xe8bye', 'latin1')],
  ['nothing', Buffer.alloc(0)],
  ['half a code', Buffer.of(3)],
  ['a code that may not be sent', Buffer.of(3, 0xee)],
  ['a code of the application', Buffer.of(0x0f, 0xa0)],
  ['a code that nobody has', Buffer.of(0x13, 0x88)],
  ['a reason that is no UTF-8', Buffer.of(3, 0xe8, 0xff)],
])('CLOSE with %s ends as with ws', async (_, data) => {
  const pieces = [clientFrame({ opcode: 8, payload: data })]
  expect(readOurs(pieces)).toEqual(await readWs(pieces))
})

test('random bytes end in silence, a close or an error, never in an exception', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array()), (pieces) => void readOurs(pieces)))
})

test('text is refused before its payload comes', () => {
  expect(readOurs([Buffer.of(0x81, 0x85)]).end).toBe(1003)
})

test('payload is handed on before its frame is whole, in the memory that was read', () => {
  const bytes = clientFrame({ payload: Buffer.from('picture') }).subarray(0, -3)
  const pieces: Buffer[] = []
  const never = (): never => {
    throw new TypeError('not expected')
  }
  const read = createFrameReader({
    onBinary: (piece) => void pieces.push(piece),
    ...{ onPing: never, onClose: never, onError: never },
  })
  read(bytes)
  expect(pieces.map(String)).toEqual(['pict'])
  expect(pieces[0]?.buffer).toBe(bytes.buffer)
})

test.each([
  ['a frame over 256 KiB', [Buffer.from('82ff0000000000040001', 'hex'), Buffer.alloc(4)], 1009],
  ['a length past 2^53', [Buffer.from('82ffffffffffffffffff', 'hex'), Buffer.alloc(4)], 1009],
  [
    'fragments over 256 KiB together',
    [
      clientFrame({ payload: Buffer.alloc(200_000), fin: false }),
      clientFrame({ payload: Buffer.alloc(62_145), opcode: 0 }),
    ],
    1009,
  ],
  [
    'a message without an end',
    [
      clientFrame({ payload: Buffer.of(1), fin: false }),
      ...Array.from({ length: 1_024 }, () =>
        clientFrame({ payload: Buffer.of(1), opcode: 0, fin: false }),
      ),
    ],
    1002,
  ],
])('%s is refused', (_, pieces, code) => {
  expect(readOurs(pieces).end).toBe(code)
})

test('nothing is read after an error or a close', () => {
  const after = clientFrame({ payload: Buffer.from('late') })
  const text = clientFrame({ opcode: 1, payload: Buffer.from('text') })
  expect(readOurs([Buffer.concat([text, after]), after])).toEqual({
    data: '',
    pings: [],
    end: 1003,
  })
  const close = clientFrame({ opcode: 8, payload: Buffer.of(3, 232) })
  expect(readOurs([Buffer.concat([close, after]), after])).toEqual({
    data: '',
    pings: [],
    end: 'close',
  })
})
