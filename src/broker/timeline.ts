import { randomBytes } from 'node:crypto'
import {
  Allowance,
  type Clock,
  errorText,
  type Log,
  type LogFields,
  parseReference,
  tapLog,
} from '../lib/index.ts'
import type { Grant, Store, TimelineEntry } from '../store/index.ts'

/** Lines of the log that are about one console, or tell somebody no. */
const REMEMBERED: ReadonlySet<string> = new Set([
  'console.minted',
  'console.fetched',
  'console.refused',
  'token.redeemed',
  'token.refused',
  'token.revoked',
  'redeem.conflict',
  'tunnel.created',
  'channel.opened',
  'channel.refused',
  'session.closed',
  'session.reconnected',
  'session.killed',
  'session.messaged',
  'host.refused',
  'auth.failed',
  'request.refused',
  'request.failed',
  'portal.refused',
])

/** What is kept of a line, with the names of the log; none of them ever holds a secret. */
const FIELDS = [
  ...['reason', 'code', 'error', 'status', 'method', 'path', 'presentation', 'tokenFormat'],
  ...['vm', 'tenant', 'user', 'host', 'issuer', 'node', 'agent', 'tunnel', 'transport', 'session'],
  ...['remoteAddress', 'connectionId', 'address', 'port', 'askedBy', 'toldBy', 'expiresAt', 'lost'],
  ...['takesMessages', 'consentAsked', 'bytesIn', 'bytesOut', 'durationMs', 'text'],
]
const MAX_FIELD_CHARACTERS = 256

/** So long can support look a reference up. */
export const KEEP_TIMELINE_MS = 30 * 24 * 60 * 60_000
/** A node that was without a broker tells of the past; it has no say in what is older. */
const MAX_LATE_MS = 24 * 60 * 60_000

const MOST_LINES = {
  /** A token may open ten tunnels, each with about five lines told by two; more is noise. */
  verified: 500,
  /** Of what only says that it is about a token: whoever has seen one can say so. */
  others: 50,
}
/** Strangers' lines, about 500 bytes each, from all sides; 100,000 of them stay. */
const STRANGERS = { burst: 1_000, perSecond: 50 }
const MAX_STRANGERS_KEPT = 100_000
/** Of what one caller was told no for: a tenant's script that asks all day long fills no disk in 30 days. */
const REFUSALS_OF_CALLER = { burst: 1_000, perSecond: 0.2 }
/** Callers that are told apart; past that the one that is known longest begins anew. */
const MAX_CALLERS = 10_000
/** Tokens that are known without asking the store, about 100 bytes each. */
const MAX_KNOWN = 20_000
/** Lines are collected for so long: nobody waits for them, and each commit costs one of the disk. */
const WRITE_AFTER_MS = 100
/** Lines that wait for a slow store; more are left out, and the log says how many. */
const MAX_WAITING = 10_000

export interface FoundTimeline {
  /** Absent where nothing of ours was minted. */
  grant: Grant | undefined
  entries: TimelineEntry[]
}

export interface Timeline {
  /** The broker has minted or redeemed this token; one from elsewhere it forgets with a restart. */
  knows(jti: string): Promise<boolean>
  /** The log, whose lines about consoles and refusals are remembered from now on. */
  tap(log: Log): Log
  /** @param text reference or `jti`, as a person has it */
  find(text: string): Promise<FoundTimeline | undefined>
  /** Resolves when all lines so far are kept. */
  flush(): Promise<void>
  /** Forgets what is too old. */
  sweep(): Promise<void>
}

export interface TimelineOptions {
  store: Pick<Store, 'timeline' | 'grants'>
  clock: Clock
  /** For what cannot be kept. */
  log: Log
}

/** What the log says of each console and each refusal, kept for support: log and `why` always agree. */
export function createTimeline({ store, clock, log }: TimelineOptions): Timeline {
  const strangers = new Allowance({ ...STRANGERS, clock })
  const callers = new Map<string, Allowance>()
  const createId = sortableIds(clock)
  const known = new Set<string>()
  const waiting: WaitingLine[] = []
  let leftOut = 0
  let soon: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  const allowanceOf = (caller: string): Allowance => {
    const known = callers.get(caller)
    if (known !== undefined) return known
    const [oldest] = callers.keys()
    if (oldest !== undefined && callers.size >= MAX_CALLERS) callers.delete(oldest)
    const allowance = new Allowance({ ...REFUSALS_OF_CALLER, clock })
    callers.set(caller, allowance)
    return allowance
  }

  const mayKeep = (
    { verified, subject }: Pick<TimelineEntry, 'verified' | 'subject'>,
    caller: unknown,
  ) => {
    if (!verified) return strangers.take()
    return jtiOf(subject) !== undefined || allowanceOf(String(caller)).take()
  }

  const remember = (event: string, fields: LogFields): void => {
    const line = toLine(event, fields, clock.now())
    if (line === undefined || !mayKeep(line, fields.askedBy)) return
    const isHearsay = line.verified && fields.toldBy !== undefined
    if (line.verified && !isHearsay) remembered(line.subject)
    if (waiting.length >= MAX_WAITING) leftOut += 1
    else waiting.push({ isHearsay, entry: { id: createId(), ...line } })
    soon ??= setTimeout(flush, WRITE_AFTER_MS).unref()
  }

  const remembered = (subject: string): void => {
    known.add(subject)
    const [oldest] = known
    if (oldest !== undefined && known.size > MAX_KNOWN) known.delete(oldest)
  }

  const knows = async (jti: string): Promise<boolean> => {
    const subject = ofToken(jti)
    if (known.has(subject)) return true
    if ((await store.grants.findByJti(jti)) === undefined) return false
    remembered(subject)
    return true
  }

  /**
   * A peer's word for what happened to a token that the broker knows nothing of is worth as much as a stranger's: it may
   * make up any number of them.
   *
   * @returns undefined for one too many
   */
  const weigh = async ({ isHearsay, entry }: WaitingLine): Promise<TimelineEntry | undefined> => {
    const jti = jtiOf(entry.subject)
    if (!isHearsay || (jti !== undefined && (await knows(jti)))) return entry
    return strangers.take() ? { ...entry, verified: false } : undefined
  }

  /** Past a limit a line is not worth its place in the log; whose it is may ask why all the same. */
  const rememberOfCaller = (event: string, fields: LogFields): void => {
    if (fields.askedBy !== undefined) remember(event, fields)
  }

  const flush = (): Promise<void> => {
    clearTimeout(soon)
    soon = undefined
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }

  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting.splice(0)
      try {
        const weighed = await Promise.all(lines.map(weigh))
        await store.timeline.add(
          weighed.filter((line) => line !== undefined),
          MOST_LINES,
        )
      } catch (error) {
        log.error('timeline.failed', { lines: lines.length, error: errorText(error) })
      }
      if (leftOut > 0) log.error('timeline.failed', { lines: leftOut, error: 'the store is slow' })
      leftOut = 0
    }
  }

  return {
    knows,
    tap: (tapped) => tapLog(tapped, remember, { observeDebug: rememberOfCaller }),
    flush,
    async find(text) {
      await flush()
      const { grant, subject } = await locate(store, text)
      const entries = await store.timeline.list(subject)
      return grant === undefined && entries.length === 0 ? undefined : { grant, entries }
    },
    sweep: () =>
      store.timeline.trim({
        beforeMs: clock.now() - KEEP_TIMELINE_MS,
        mostUnverified: MAX_STRANGERS_KEPT,
      }),
  }
}

interface WaitingLine {
  entry: TimelineEntry
  /** A node or an agent says that it is about a token that was verified. */
  isHearsay: boolean
}

/** A console by its reference; a refusal by its own, which may lead to a console; what is no reference is a `jti`. */
async function locate(
  { grants, timeline }: TimelineOptions['store'],
  text: string,
): Promise<{ grant: Grant | undefined; subject: string }> {
  const ref = parseReference(text)
  const grant = ref === undefined ? undefined : await grants.findByRef(ref)
  if (grant !== undefined) return { grant, subject: ofToken(grant.jti) }
  const found = ref === undefined ? undefined : await timeline.findSubject(ref)
  const subject = found ?? ofToken(text)
  const jti = jtiOf(subject)
  return { grant: jti === undefined ? undefined : await grants.findByJti(jti), subject }
}

function toLine(
  event: string,
  fields: LogFields,
  nowMs: number,
): Omit<TimelineEntry, 'id'> | undefined {
  if (!REMEMBERED.has(event)) return undefined
  const subject = subjectOf(event, fields)
  if (subject === undefined) return undefined
  const { ref, at } = fields
  return {
    subject,
    ...(typeof ref === 'string' ? { ref } : {}),
    atMs: typeof at === 'string' ? pastTime(Date.parse(at), nowMs) : nowMs,
    event,
    verified: fields.jti !== undefined || fields.askedBy !== undefined,
    body: JSON.stringify(Object.fromEntries(FIELDS.flatMap((name) => cut(name, fields[name])))),
  }
}

/** The token; without one the tunnel that came without, or the answer that went out. */
function subjectOf(event: string, fields: LogFields): string | undefined {
  const { jti = fields.claimedJti, kind, value, node, agent = node, tunnel, ref } = fields
  if (event === 'token.revoked') return kind === 'jti' ? ofToken(String(value)) : undefined
  if (typeof jti === 'string') return ofToken(jti)
  if (typeof ref !== 'string') return undefined
  return typeof tunnel === 'string' ? `tunnel:${agent}/${tunnel}` : `ref:${ref}`
}

const TOKEN = 'jti:'

function ofToken(jti: string): string {
  return `${TOKEN}${jti}`
}

function jtiOf(subject: string): string | undefined {
  return subject.startsWith(TOKEN) ? subject.slice(TOKEN.length) : undefined
}

function cut(name: string, value: unknown): [string, unknown][] {
  if (typeof value === 'string') return [[name, value.slice(0, MAX_FIELD_CHARACTERS)]]
  return typeof value === 'number' || typeof value === 'boolean' ? [[name, value]] : []
}

/** A node's word for when it was, as far as it can be believed. */
function pastTime(timeMs: number, nowMs: number): number {
  return timeMs <= nowMs && timeMs >= nowMs - MAX_LATE_MS ? timeMs : nowMs
}

/** Ids that sort as they were made, and differ from those of any other process. */
function sortableIds(clock: Clock): () => string {
  const process = randomBytes(6).toString('hex')
  let made = 0
  return () => {
    made += 1
    const parts = [clock.now().toString(36).padStart(9, '0'), made.toString(36).padStart(8, '0')]
    return [...parts, process].join('-')
  }
}
