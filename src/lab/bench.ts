import type { TransportKind } from '../client/index.ts'
import type { GatewayClaims, HostClaims } from '../tokens/index.ts'
import { AGENT_HOST } from './certificates.ts'
import {
  type ClientSaw,
  compare,
  denied,
  type Expectation,
  type LogSaw,
  opens,
} from './expectation.ts'
import type { Farm, FarmNode, NodeWishes } from './farm.ts'
import { splitToken } from './forge.ts'
import { Machine } from './inventory.ts'
import type { LogLine } from './log-book.ts'
import { Opening } from './opening.ts'
import type { Random } from './random.ts'
import { type Ticket, ticketOf } from './ticket.ts'

/** Two clients of one machine: any address of 127.0.0.0/8 may be come from on Linux. */
export const Client = { alice: '127.0.0.1', bob: '127.0.0.2' } as const

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
  log: LogSaw
  /** Empty when all is right. */
  faults: string[]
}

export interface PresentOptions {
  /** The farm's first when absent. */
  node?: FarmNode | undefined
  from?: string
  transport?: TransportKind
}

/** An opening that has had its first row. */
export interface Presented {
  opening: Opening
  ticket: Ticket
  node: FarmNode
  /** Lines of the log before it: a host agent knows no connection id, and clients come to it one by one. */
  linesBefore: number
}

const LOG_WITHIN_MS = 3_000
const END_WITHIN_MS = 10_000

/** Where a scenario works: it does things here, and every one that a client notices becomes a row. */
export class Bench {
  readonly farm: Farm
  readonly random: Random
  readonly rows: Row[] = []
  /** Names the scenario's user at the broker. */
  readonly #user: string
  /** `jti` and reference of its tokens. */
  readonly #ids = new Set<string>()
  readonly #openings: Opening[] = []
  readonly #nodes: FarmNode[] = []

  constructor(farm: Farm, random: Random, user: string) {
    this.farm = farm
    this.random = random
    this.#user = user
  }

  /** What the broker wrote down about the tokens that it has minted here. */
  get brokerLog(): LogLine[] {
    return this.farm.book.lines(
      ({ role, fields }) =>
        role === 'broker' &&
        [fields.jti, fields.ref, fields.value].some((id) => this.#ids.has(String(id))),
    )
  }

  async mint(vm: Machine = Machine.plain, ttlSeconds?: number): Promise<Ticket> {
    const ticket = await this.farm.mint(vm, this.#user, ttlSeconds)
    this.#ids.add(ticket.claims.jti).add(ticket.grant?.ref ?? '')
    return ticket
  }

  /** A token of no broker: the claims of a fresh one, changed, and signed by the lab. */
  async sign(change: Partial<GatewayClaims>, issuer = this.farm.issuer): Promise<Ticket> {
    const { claims } = await this.mint()
    const jti = `lab-${claims.jti}`
    return ticketOf(await issuer.sign({ ...claims, jti, ...change }))
  }

  /** The same grant with another host token: its own, changed, and signed by the lab. */
  async signHost(
    ticket: Ticket,
    change: Partial<HostClaims>,
    issuer = this.farm.issuer,
  ): Promise<Ticket> {
    if (ticket.hostToken === undefined) throw new TypeError('the machine is behind no host agent')
    const { claims } = splitToken<HostClaims>(ticket.hostToken)
    return { ...ticket, hostToken: await issuer.signHost({ ...claims, ...change }) }
  }

  /** A node of the scenario's own; gone with the scenario. */
  async startNode(wishes: NodeWishes): Promise<FarmNode> {
    const node = await this.farm.startNode(wishes)
    this.#nodes.push(node)
    return node
  }

  /** One client goes to one node with a token. */
  async present(
    what: string,
    ticket: Ticket,
    expected: Expectation,
    options: PresentOptions = {},
  ): Promise<Presented> {
    const presented = this.#open(ticket, options)
    await this.#record(what, presented, expected, await presented.opening.start())
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
        return { presented, saw: await presented.opening.start() }
      }),
    )
    const winner = racing.find(({ saw }) => saw.outcome === 'open') ?? racing[0]
    for (const entry of racing) {
      const expected = entry === winner ? opens : denied('client-mismatch')
      const whose = entry === winner ? 'the first' : 'the other'
      await this.#record(`${what}: ${whose}`, entry.presented, expected, entry.saw)
    }
  }

  /** Its session is ended by somebody else. */
  async end(what: string, presented: Presented, expected: Expectation): Promise<void> {
    await this.#record(what, presented, expected, await presented.opening.end(END_WITHIN_MS))
  }

  /** The client goes away without a word; resolves when node and broker know. */
  async drop({ opening }: Presented): Promise<void> {
    const { farm } = this
    opening.close()
    const closed = await farm.book.until(
      ({ event, fields }) =>
        event === 'session.closed' && fields.connectionId === opening.connectionId,
      END_WITHIN_MS,
    )
    const tunnel = closed?.fields.tunnel
    await farm.until('a session that is over', async () =>
      (await this.sessions()).every((session) => session.tunnel !== tunnel),
    )
  }

  /** The scenario's sessions that are open, as the broker has them. */
  async sessions(): Promise<Array<{ id: string; tunnel: string }>> {
    const user = encodeURIComponent(this.#user)
    const list = await this.farm.broker.api('GET', `/v1/sessions?user=${user}`)
    // The shape of our own API.
    return (list as { items: Array<{ id: string; tunnel: string }> }).items
  }

  /** Ends what is still open; the rows stay. */
  async close(): Promise<void> {
    for (const opening of this.#openings) opening.close()
    await Promise.all(this.#nodes.map((node) => node.close()))
    // A verifier that is gone would hold up the next rotation.
    for (const { name } of this.#nodes) {
      await this.farm.broker.api('DELETE', `/v1/issuers/verifiers/${name}`)
    }
  }

  #open(ticket: Ticket, options: PresentOptions): Presented {
    const { node = this.#firstNode(), from = Client.alice, transport = 'websocket' } = options
    const { token, target, vmGuid, hostToken } = ticket
    const opening = new Opening({
      gateway: node.address,
      ca: this.farm.ca,
      token,
      target,
      transport,
      from,
      ...(vmGuid === undefined ? {} : { vmGuid }),
      ...(hostToken === undefined ? {} : { hostToken }),
    })
    this.#openings.push(opening)
    return { opening, ticket, node, linesBefore: this.farm.book.size }
  }

  #firstNode(): FarmNode {
    const [node] = this.farm.nodes
    if (node === undefined) throw new TypeError('the farm has no node')
    return node
  }

  async #record(
    what: string,
    presented: Presented,
    expected: Expectation,
    client: ClientSaw,
  ): Promise<void> {
    const { opening, ticket, node } = presented
    const log = await this.#readLog(presented, client)
    this.rows.push({
      what,
      atMs: this.farm.clock.now(),
      node: node.name,
      connectionId: opening.connectionId,
      ...(ticket.grant === undefined ? {} : { ref: ticket.grant.ref }),
      expected,
      client,
      log,
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
