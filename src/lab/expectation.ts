import { formatStatus, type StepName, statusName } from '../client/index.ts'
import type { Reason } from '../lib/index.ts'
import type { LogLine } from './log-book.ts'

/** How far a client came, as far as it can tell. */
export interface ClientSaw {
  /** `open`: the machine has answered; `closed`: so it had, and the gateway has ended it since; `failed`: no word of the gateway's. */
  outcome: 'open' | 'refused' | 'closed' | 'failed'
  /** The last step that it took. */
  step: StepName | 'session'
  /** HRESULT in the gateway's packet, or the failure code of the host's answer. */
  code?: number
  /** What a client shows, or why there was no answer. */
  text: string
}

/** What a node's log says of one connection. */
export interface LogSaw {
  /** `channel.opened` is there. */
  opened: boolean
  /** Of the last line that refuses or ends; absent when there is none. */
  reason?: string
  /** Who says so, where it is not the node. */
  by?: string
  /** By which support looks that refusal up. */
  ref?: string
  lines: LogLine[]
}

/** What should be seen; several reasons where chance decides between them. */
export type Expectation =
  | { outcome: 'open' }
  | {
      outcome: 'refused' | 'closed'
      step: ClientSaw['step']
      code: number
      reasons: readonly Reason[]
    }

/** Codes of [MS-TSGU] 2.2.6, written down here anew: a wrong one in the product must not hide. */
const Code = {
  aborted: 0x8007_04d4,
  internalError: 0x8007_59d8,
  resourceDenied: 0x8007_59da,
  connectFailed: 0x8007_59dd,
  sessionTimeout: 0x8007_59f6,
  badPacket: 0x8007_59f7,
  cookieDenied: 0x8007_59f8,
} as const

export const opens: Expectation = { outcome: 'open' }

/** The token is refused; which of the reasons, the client must not learn. */
export function denied(...reasons: Reason[]): Expectation {
  return { outcome: 'refused', step: 'tunnel', code: Code.cookieDenied, reasons }
}

/** The cookie field itself is broken. */
export const badPacket: Expectation = {
  outcome: 'refused',
  step: 'tunnel',
  code: Code.badPacket,
  reasons: ['protocol-error'],
}

/** The target is refused. */
export function channelDenied(reason: Reason): Expectation {
  return { outcome: 'refused', step: 'channel', code: Code.resourceDenied, reasons: [reason] }
}

export const unreachable: Expectation = {
  outcome: 'refused',
  step: 'channel',
  code: Code.connectFailed,
  reasons: ['host-unreachable'],
}

/** The client's first bytes ask for another machine. */
export const otherMachine: Expectation = {
  outcome: 'refused',
  step: 'negotiation',
  code: Code.internalError,
  reasons: ['vm-mismatch'],
}

/** The host agent refuses: behind an open channel, in the words of RDP. */
export function hostDenied(reason: Reason): Expectation {
  return { outcome: 'refused', step: 'negotiation', code: INCONSISTENT_FLAGS, reasons: [reason] }
}

/** [MS-RDPBCGR] 2.2.1.2.2. */
const INCONSISTENT_FLAGS = 4

/** An open session is ended by CLOSE_CHANNEL, with one code for all of the reasons. */
export function ends(reason: Reason, ...others: Reason[]): Expectation {
  const code = STATUS_OF_END[reason] ?? Code.aborted
  return { outcome: 'closed', step: 'session', code, reasons: [reason, ...others] }
}

const STATUS_OF_END: Partial<Record<Reason, number>> = {
  killed: Code.aborted,
  superseded: Code.aborted,
  'session-limit': Code.sessionTimeout,
  'idle-limit': Code.sessionTimeout,
}

/**
 * @param log undefined where nobody reads it
 * @returns one sentence for each thing that is otherwise; none when all is right
 */
export function compare(
  expected: Expectation,
  client: ClientSaw,
  log: LogSaw | undefined,
): string[] {
  return [
    ...compareClient(expected, client),
    ...(log === undefined ? [] : compareLog(expected, log)),
  ]
}

function compareClient(expected: Expectation, client: ClientSaw): string[] {
  if (client.outcome !== expected.outcome) {
    return [`client: need ${expected.outcome}, saw ${client.outcome} (${client.text})`]
  }
  if (expected.outcome === 'open') return []
  const faults: string[] = []
  if (client.step !== expected.step) {
    faults.push(`client: need ${expected.outcome} at ${expected.step}, saw it at ${client.step}`)
  }
  if (client.code !== expected.code) {
    faults.push(`client: need ${describeCode(expected.code)}, saw ${client.text}`)
  }
  return faults
}

function compareLog(expected: Expectation, { opened, reason = 'no reason' }: LogSaw): string[] {
  if (expected.outcome === 'open') {
    return opened && reason === 'no reason' ? [] : [`log: need channel.opened, has ${reason}`]
  }
  if (expected.reasons.some((wanted) => wanted === reason)) return []
  return [`log: need ${expected.reasons.join(' or ')}, has ${reason}`]
}

/** As clients write it: `E_PROXY_… [0x800759F8]`. */
export function describeCode(code: number): string {
  return `${statusName(code) ?? 'unknown code'} [${formatStatus(code)}]`
}
