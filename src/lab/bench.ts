import type { TransportKind } from '../client/index.ts'
import type { GatewayClaims, HostClaims, Issuer } from '../tokens/index.ts'
import { AGENT_HOST } from './certificates.ts'
import {
  type ClientSaw,
  compare,
  denied,
  type Expectation,
  type LogSaw,
  opens,
} from './expectation.ts'
import type { Farm, Node } from './farm.ts'
import { splitToken } from './forge.ts'
import { Machine } from './inventory.ts'
import type { LogLine } from './log-book.ts'
import { Opening } from './opening.ts'
import type { Random } from './random.ts'
import { type Ticket, ticketOf } from './ticket.ts'

/** What one client saw of one thing it did, beside what the node wrote down, and whether that is right. */
export interface Row {
  what: string
  /** The lab's clock. */
  atMs: number
  node: string
  /** By which node and client mean the same connection. */
  connectionId: string
  /** By which the broker knows the token; absent when no broker has minted it. */
  ref?: string
  expected: Expectation
  client: ClientSaw
  /** From its first byte to what it saw last. */
  tookMs: number
  /** Absent where nobody reads the log. */
  log?: LogSaw
  /** Empty when all is right. */
  faults: string[]
}

export interface PresentOptions {
  /** The farm's first when absent. */
  node?: Node | undefined
  /** One of the farm's clients; alice's when absent. */
  from?: string | undefined
  transport?: TransportKind
}

/** An opening that has had its first row. */
export interface Presented {
  opening: Opening
  ticket: Ticket
  node: Node
  /** Lines of the log before it: a host agent knows no connection id, and clients come to it one by one. */
  linesBefore: number
}

const LOG_WITHIN_MS = 3_000
const END_WITHIN_MS = 10_000

/** Where a scenario works: it does things here, and every one that a client notices becomes a row. */
export class Bench<F extends Farm = Farm> {
  readonly farm: F
  readonly random: Random
  readonly rows: Row[] = []
  /** Names the scenario's user at the broker. */
  readonly user: string
  /** `jti` and reference of its tokens. */
  readonly #ids = new Set<string>()
  readonly #openings: Opening[] = []
  readonly #parts = new AsyncDisposableStack()

  constructor(farm: F, random: Random, user: string) {
    this.farm = farm
    this.random = random
    this.user = user
  }

  /** What the broker wrote down about the tokens that it has minted here. */
  get brokerLog(): LogLine[] {
    return this.farm.book.lines(
      ({ role, fields }) =>
        role === 'broker' &&
        [fields.jti, fields.ref, fields.value].some((id) => this.#ids.has(String(id))),
    )
  }

  async mint(machine: Machine = Machine.plain, ttlSeconds?: number): Promise<Ticket> {
    const ticket = await this.farm.mint(machine, this.user, ttlSeconds)
    this.#ids.add(ticket.claims.jti).add(ticket.grant?.ref ?? '')
    return ticket
  }

  /** One whose end can be waited for. */
  mintBrief(): Promise<Ticket> {
    return this.mint(Machine.plain, this.farm.briefSeconds)
  }

  /** A token of no broker: the claims of a fresh one, changed, and signed by the lab. */
  async sign(change: Partial<GatewayClaims>, issuer: Issuer = this.farm.issuer): Promise<Ticket> {
    const { claims } = await this.mint()
    const jti = `lab-${claims.jti}`
    return ticketOf(await issuer.sign({ ...claims, jti, ...change }))
  }

  /** The same grant with another host token: its own, changed, and signed by the lab. */
  async signHost(
    ticket: Ticket,
    change: Partial<HostClaims>,
    issuer: Issuer = this.farm.issuer,
  ): Promise<Ticket> {
    if (ticket.hostToken === undefined) throw new TypeError('the machine is behind no host agent')
    const { claims } = splitToken<HostClaims>(ticket.hostToken)
    return { ...ticket, hostToken: await issuer.signHost({ ...claims, ...change }) }
  }

  /** To be done when the scenario is over. */
  onClose(work: () => Promise<void>): void {
    this.#parts.defer(work)
  }

  /** One client goes to one node with a token. */
  async present(
    what: string,
    ticket: Ticket,
    expected: Expectation,
    options: PresentOptions = {},
  ): Promise<Presented> {
    const presented = this.#open(ticket, options)
    const saw = await timed(presented.opening.start())
    await this.#record(what, presented, expected, saw)
    return presented
  }

  /** Two clients at once: one has to win, whichever it is, and the other one is at the wrong address. */
  async race(
    what: string,
    ticket: Ticket,
    options: [PresentOptions, PresentOptions],
  ): Promise<void> {
    const racing = await Promise.all(
      options.map(async (option) => {
        const presented = this.#open(ticket, option)
        return { presented, saw: await timed(presented.opening.start()) }
      }),
    )
    const winner = racing.find(({ saw }) => saw.client.outcome === 'open') ?? racing[0]
    for (const entry of racing) {
      const expected = entry === winner ? opens : denied('client-mismatch')
      const whose = entry === winner ? 'the first' : 'the other'
      await this.#record(`${what}: ${whose}`, entry.presented, expected, entry.saw)
    }
  }

  /** Its session is ended by somebody else. */
  async end(
    what: string,
    presented: Presented,
    expected: Expectation,
    withinMs = END_WITHIN_MS,
  ): Promise<void> {
    const saw = await timed(presented.opening.end(withinMs))
    await this.#record(what, presented, expected, saw)
  }

  /** The client goes away without a word; resolves when all who count know. */
  async drop({ opening }: Presented): Promise<void> {
    opening.close()
    if (opening.wasOpen) await this.farm.untilDropped(opening.connectionId, this.user)
  }

  /** Ends what is still open; the rows stay. */
  async close(): Promise<void> {
    for (const opening of this.#openings) opening.close()
    await this.#parts.disposeAsync()
  }

  #open(ticket: Ticket, options: PresentOptions): Presented {
    const { farm } = this
    const { node = firstNode(farm), from = farm.clients.alice, transport = 'websocket' } = options
    const { token, target, vmGuid, hostToken } = ticket
    const opening = new Opening({
      gateway: node.address,
      token,
      target,
      transport,
      echoes: farm.echoes,
      ...(farm.ca === undefined ? {} : { ca: farm.ca }),
      ...(from === undefined ? {} : { from }),
      ...(vmGuid === undefined ? {} : { vmGuid }),
      ...(hostToken === undefined ? {} : { hostToken }),
    })
    this.#openings.push(opening)
    return { opening, ticket, node, linesBefore: farm.book.size }
  }

  async #record(
    what: string,
    presented: Presented,
    expected: Expectation,
    { client, tookMs }: Timed,
  ): Promise<void> {
    const { opening, ticket, node } = presented
    const log = this.farm.readsLog ? await this.#readLog(presented, client) : undefined
    this.rows.push({
      what,
      atMs: this.farm.clock.now(),
      node: node.name,
      connectionId: opening.connectionId,
      ...(ticket.grant === undefined ? {} : { ref: ticket.grant.ref }),
      expected,
      client,
      tookMs,
      ...(log === undefined ? {} : { log }),
      faults: compare(expected, client, log),
    })
  }

  /** Waits for the line that goes with what the client saw, whatever was expected. */
  async #readLog(
    { opening, ticket, linesBefore }: Presented,
    { outcome }: ClientSaw,
  ): Promise<LogSaw> {
    const { book } = this.farm
    const isMine = ({ role, fields }: LogLine): boolean =>
      fields.connectionId === opening.connectionId ||
      (role === AGENT_HOST && ticket.hostToken !== undefined)
    const due = outcome === 'open' ? ['channel.opened'] : VERDICTS[outcome]
    const read = () => book.lines(isMine, linesBefore)
    if (!read().some(({ event }) => due.includes(event))) {
      await book.next((line) => isMine(line) && due.includes(line.event), LOG_WITHIN_MS)
    }
    const lines = read()
    const isVerdict = ({ event }: LogLine): boolean => ALL_VERDICTS.includes(event)
    // The agent's word, where there is one: the node only sees that its host has closed.
    const byAgent = lines.findLast((line) => line.role === AGENT_HOST && isVerdict(line))
    const verdict = byAgent ?? lines.findLast(isVerdict)
    const { reason } = verdict?.fields ?? {}
    const { ref } = lines.findLast(({ fields }) => fields.ref !== undefined)?.fields ?? {}
    return {
      opened: lines.some(({ event }) => event === 'channel.opened'),
      ...(typeof reason === 'string' ? { reason } : {}),
      ...(byAgent === undefined ? {} : { by: AGENT_HOST }),
      ...(typeof ref === 'string' ? { ref } : {}),
      lines,
    }
  }
}

function firstNode({ nodes: [node] }: Farm): Node {
  if (node === undefined) throw new TypeError('the farm has no node')
  return node
}

interface Timed {
  client: ClientSaw
  tookMs: number
}

async function timed(seeing: Promise<ClientSaw>): Promise<Timed> {
  const startedMs = performance.now()
  const client = await seeing
  return { client, tookMs: Math.round(performance.now() - startedMs) }
}

const VERDICTS = {
  refused: ['token.refused', 'channel.refused', 'host.refused', 'session.closed'],
  closed: ['session.closed'],
  failed: [
    'token.refused',
    'channel.refused',
    'host.refused',
    'session.closed',
    'connection.refused',
  ],
}
const ALL_VERDICTS = VERDICTS.failed
