import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { Allowance, type Clock, type Log, type LogFields, tapLog } from '../lib/index.ts'
import { ApiError } from './errors.ts'
import { happeningOf } from './told-twice.ts'

/** Lines of the log that others may follow; the names are fixed. */
const STREAMED: ReadonlySet<string> = new Set([
  ...['console.minted', 'console.fetched', 'token.redeemed', 'token.refused', 'token.revoked'],
  ...['redeem.conflict', 'tunnel.created', 'channel.opened', 'channel.refused'],
  ...['session.closed', 'session.reconnected', 'session.killed', 'host.refused', 'host.state'],
  ...['trust.applied', 'issuer.rotated', 'node.joined', 'node.state', 'cert.expiring'],
  ...['auth.failed', 'audit.checkpoint', 'policy.unreadable'],
])

/** So many can be asked for again by who was away, about half a megabyte of them. */
const KEPT = 1_000
const MAX_FIELD_CHARACTERS = 256
/** What strangers cause must not push everything else out. */
const STRANGERS = { burst: 200, perSecond: 20 }

/** Happenings whose second teller may still come, about 100 bytes each. */
const MAX_TELLERS = 10_000

const MAX_STREAMS = 50
const MAX_STREAMS_OF_ONE = 5
/** A reader that is slower is cut off, and comes back with `Last-Event-ID`. */
const MAX_QUEUED_BYTES = 256 * 1024
/** Below what proxies and our own server wait for a silent connection. */
const BEAT_EVERY_MS = 15_000
const COME_BACK_MS = 2_000

export const EVENT_ID = /^[a-z0-9]{1,32}-\d{1,16}$/

export interface StreamRequest {
  /** Whose streams are counted. */
  reader: string
  /** `Last-Event-ID` in the form of EVENT_ID; absent: what comes from now on. */
  after: string | undefined
  /** Asked every 15 s: a key that is revoked meanwhile ends its streams. */
  isWelcome: () => Promise<boolean>
}

/** What happens, as server-sent events (WHATWG HTML, 9.2). */
export interface EventStream {
  /** The log, whose lines of these names are passed on from now on. */
  tap(log: Log): Log
  /**
   * A stream that ends when its reader leaves, is too slow or is not welcome any more. Who was away gets what it has
   * missed; what is not known any more is one event `events.lost` instead.
   *
   * @throws ApiError `rate-limited` with `Retry-After` for one too many
   */
  open(request: StreamRequest): Readable
  /** Ends all streams. */
  close(): void
}

interface Reader {
  name: string
  stream: Readable
  isWelcome: () => Promise<boolean>
}

export function createEventStream(clock: Clock): EventStream {
  /** Numbers are those of this process: after a restart all else is lost. */
  const epoch = randomBytes(6).toString('hex')
  const strangers = new Allowance({ ...STRANGERS, clock })
  const kept: Array<{ number: number; text: string }> = []
  const readers = new Set<Reader>()
  let number = 0

  /** Who has told of it first: of both tellers' words a reader gets one. */
  const tellers = new Map<string, boolean>()

  const isTwice = (event: string, fields: LogFields): boolean => {
    const happening = happeningOf(event, fields)
    if (happening === undefined) return false
    const isOurs = fields.toldBy === undefined
    const first = tellers.get(happening)
    if (first !== undefined) return first !== isOurs
    tellers.set(happening, isOurs)
    const [oldest] = tellers.keys()
    if (oldest !== undefined && tellers.size > MAX_TELLERS) tellers.delete(oldest)
    return false
  }

  const publish = (event: string, fields: LogFields): void => {
    if (!STREAMED.has(event) || isTwice(event, fields)) return
    const isKnown = fields.jti !== undefined || fields.askedBy !== undefined || !isRefusal(event)
    if (!isKnown && !strangers.take()) return
    number += 1
    const data = { time: new Date(clock.now()).toISOString(), event, ...plain(fields) }
    const text = render({ id: `${epoch}-${number}`, event, data })
    kept.push({ number, text })
    if (kept.length > KEPT) kept.shift()
    for (const { stream } of readers) send(stream, text)
  }

  function missed(after: string): string {
    const [of, last] = after.split('-')
    const oldest = kept[0]?.number ?? number + 1
    const from = Number(last) + 1
    if (of === epoch && from >= oldest) {
      return kept.flatMap((event) => (event.number >= from ? event.text : [])).join('')
    }
    const id = `${epoch}-${number}`
    const lost = { time: new Date(clock.now()).toISOString(), event: 'events.lost' }
    return render({ id, event: lost.event, data: lost })
  }

  const beat = setInterval(() => {
    for (const { stream, isWelcome } of readers) {
      isWelcome().then(
        (welcome) => (welcome ? send(stream, ': beat\n\n') : stream.destroy()),
        () => stream.destroy(),
      )
    }
  }, BEAT_EVERY_MS).unref()

  return {
    tap: (log) => tapLog(log, publish),
    open({ reader: name, after, isWelcome }) {
      const own = [...readers].filter((reader) => reader.name === name)
      if (readers.size >= MAX_STREAMS || own.length >= MAX_STREAMS_OF_ONE) {
        throw new ApiError('rate-limited', 'Too many streams of events are open.', {
          retryAfterSeconds: 10,
        })
      }
      const stream = new Readable({ read: () => {} })
      const reader = { name, stream, isWelcome }
      readers.add(reader)
      stream.once('close', () => readers.delete(reader))
      stream.push(`retry: ${COME_BACK_MS}\n\n${after === undefined ? '' : missed(after)}`)
      return stream
    },
    close() {
      clearInterval(beat)
      for (const { stream } of readers) stream.destroy()
    },
  }
}

function send(stream: Readable, text: string): void {
  if (stream.destroyed) return
  stream.push(text)
  if (stream.readableLength > MAX_QUEUED_BYTES) stream.destroy()
}

/** Data is one line: JSON has no line feeds of its own. */
function render({ id, event, data }: { id: string; event: string; data: object }): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** What anybody on the network can cause. */
function isRefusal(event: string): boolean {
  return event.endsWith('.refused') || event === 'auth.failed'
}

function plain(fields: LogFields): LogFields {
  const entries = Object.entries(fields).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value === 'string') return [[name, value.slice(0, MAX_FIELD_CHARACTERS)]]
    return typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : []
  })
  return Object.fromEntries(entries)
}
