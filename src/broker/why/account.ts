import type { Grant } from '../../store/index.ts'
import type { FoundTimeline } from '../timeline.ts'
import { type Explanation, explain, NEVER_PRESENTED, NOT_AGREED } from './explanations.ts'
import { type Line, readLines } from './lines.ts'
import { sentenceOf } from './sentences.ts'

export const STATES = ['waiting', 'open', 'ended', 'refused', 'unused', 'revoked'] as const
export type State = (typeof STATES)[number]

/** One grant's or refusal's life, told to a person. */
export interface Account {
  state: State
  /** One sentence. */
  summary: string
  /** Why it was refused or ended last. */
  reason?: string
  cause?: string
  fix?: string
  /** Sessions that are open at this moment, as far as nodes have told. */
  open: number
  timeline: {
    atMs: number
    /** Who saw it: `broker`, or the name of a node or agent. */
    source: string
    event: string
    text: string
    reason?: string
    /** False: said by a stranger, of whose token nothing was verified. */
    verified: boolean
  }[]
}

/** Tells the story; pure. */
export function accountFor({ grant, entries }: FoundTimeline, nowMs: number): Account {
  const lines = readLines(entries)
  const open = countOpen(lines)
  return {
    ...conclude(lines, { grant, open, nowMs }),
    open,
    timeline: lines.map((line) => {
      const reason = reasonOf(line)
      const { atMs, event, verified } = line
      return {
        ...{ atMs, source: sourceOf(line), event, text: sentenceOf(line), verified },
        ...(reason === undefined ? {} : { reason }),
      }
    }),
  }
}

/** Where it happened; what the broker says of sessions by itself was done there. */
function sourceOf({ node, agent, toldBy, event }: Line): string {
  const byBroker = toldBy === undefined && event.startsWith('session.')
  return byBroker ? 'broker' : (agent ?? node ?? 'broker')
}

type Conclusion = Pick<Account, 'state' | 'summary' | 'reason' | 'cause' | 'fix'>

function conclude(
  lines: Line[],
  { grant, open, nowMs }: { grant: Grant | undefined; open: number; nowMs: number },
): Conclusion {
  // Whoever has seen the file can present something of its name: that says nothing of a console that is open.
  const last = lastTurn(open === 0 ? lines : lines.filter(({ verified }) => verified))
  if (last === undefined) return untouched(grant, nowMs)
  if (last.event === 'tunnel.created' || last.event === 'channel.opened') {
    return { state: 'open', summary: 'The console is open.' }
  }
  const reason = reasonOf(last)
  const wasOpen = last.event === 'session.closed' && reason !== 'host-refused'
  const state = wasOpen ? 'ended' : 'refused'
  const also = open === 0 ? '' : ' Another session of the same file is open.'
  const explanation = leftBeforeConsent(lines, last) ? NOT_AGREED : explain(reason ?? '')
  if (explanation === undefined) {
    return { state, summary: `${sentenceOf(last)}.${also}`, ...(reason && { reason }) }
  }
  const { says, ...advice } = explanation
  return { state, summary: `${says}${also}`, ...advice, ...(reason && { reason }) }
}

function untouched(grant: Grant | undefined, nowMs: number): Conclusion {
  if (grant === undefined) return { state: 'waiting', summary: 'Nothing has come of it yet.' }
  if (grant.revokedAtMs !== undefined) return told('revoked', explain('token-revoked'))
  if (nowMs >= grant.expiresAtMs) return told('unused', NEVER_PRESENTED)
  const until = new Date(grant.expiresAtMs).toISOString()
  return {
    state: 'waiting',
    summary: `No node has seen this file yet; it may be opened until ${until}.`,
  }
}

function told(state: State, { says, cause, fix }: Explanation = NEVER_PRESENTED): Conclusion {
  return { state, summary: says, cause, fix }
}

/** Lines after which things stand differently. */
const TURNS = [
  ...['tunnel.created', 'channel.opened', 'session.closed'],
  ...['token.refused', 'channel.refused', 'host.refused'],
  ...['console.refused', 'request.refused', 'request.failed', 'portal.refused', 'auth.failed'],
]

/** A tunnel that ends with what its channel was refused for was refused, as was one whose host agent has refused. */
function lastTurn(lines: Line[]): Line | undefined {
  const turns = lines.filter(({ event }) => TURNS.includes(event))
  const last = turns.at(-1)
  if (last?.event !== 'session.closed') return last
  const refusal = turns.findLast(
    ({ event, agent, tunnel, reason }) =>
      (event === 'channel.refused' && tunnel === last.tunnel && reason === last.reason) ||
      (agent !== undefined && endedByHost(last) && event.endsWith('.refused')),
  )
  return refusal ?? last
}

function endedByHost({ reason }: Line): boolean {
  return reason === 'host-refused' || reason === 'host-closed'
}

/** Whether a session ended by its client had got no further than to the question. */
function leftBeforeConsent(lines: Line[], { event, node, tunnel, reason }: Line): boolean {
  if (event !== 'session.closed' || reason !== 'client-closed') return false
  const own = lines.filter((line) => line.node === node && line.tunnel === tunnel)
  const wasAsked = own.some(({ consentAsked }) => consentAsked === true)
  return wasAsked && !own.some((line) => line.event === 'channel.opened')
}

function countOpen(lines: Line[]): number {
  const open = new Set<string>()
  for (const { event, node, tunnel } of lines) {
    if (event === 'tunnel.created') open.add(`${node}/${tunnel}`)
    if (event === 'session.closed') open.delete(`${node}/${tunnel}`)
  }
  return open.size
}

function reasonOf({ event, reason, code }: Line): string | undefined {
  return reason ?? code ?? (event === 'request.failed' ? 'internal-error' : undefined)
}
