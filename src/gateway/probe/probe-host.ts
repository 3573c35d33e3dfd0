import type { ProbedHost, ProbeResult } from '../../control/index.ts'
import { BrokerError, type Clock, errorText, Refusal } from '../../lib/index.ts'
import type { AgentSecurity } from '../agent-connection.ts'
import type { Lookup } from '../lookup.ts'
import { resolveTarget, type Target, type TargetPolicy } from '../targets.ts'
import { openSocket, type Patience, patiently } from './exchange.ts'
import type { ProbeLimits } from './limits.ts'
import { compareNames, type ReverseLookup } from './names.ts'
import { findNeighbour } from './neighbours.ts'
import { toShown } from './shown.ts'
import { type Spoken, speak } from './speak.ts'

export interface ProbeTools {
  /** The same that every dial of a console asks. */
  policy: TargetPolicy
  lookup: Lookup
  reverse: ReverseLookup
  /** How this node dials host agents; undefined where it dials none. */
  agents: AgentSecurity | undefined
  clock: Clock
  limits: ProbeLimits
  /** Ends the probe, since the node stops. */
  signal: AbortSignal
}

/** What was found; host, address, port and time are added to it. */
type Finding = Omit<ProbeResult, 'host' | 'address' | 'port' | 'time'>

/** Addresses of one name that are tried. */
const MAX_ADDRESSES = 4

/**
 * Goes as far towards a console of the host as it gets without a token, and says what it met.
 *
 * @throws the signal's reason, and nothing else: a host that can't be reached is a finding
 */
export async function probeHost(host: ProbedHost, tools: ProbeTools): Promise<ProbeResult> {
  const { limits, clock, signal } = tools
  const total = AbortSignal.any([signal, AbortSignal.timeout(limits.totalMs)])
  const finding = await look(host, { ...tools, signal: total }).catch((error: unknown): Finding => {
    signal.throwIfAborted()
    const detail = total.aborted ? `not done within ${limits.totalMs} ms` : errorText(error)
    return { state: 'unreachable', reason: 'host-unreachable', detail }
  })
  const { id, address, port } = host
  return { host: id, address, port, time: clock.now(), ...finding }
}

async function look(host: ProbedHost, tools: ProbeTools): Promise<Finding> {
  if (host.kind === 'agent' && tools.agents === undefined) {
    return broken('unreachable', 'policy-denied', 'this node is not set up to dial host agents')
  }
  const reached = await reach(host, tools)
  if (reached.kind === 'away') {
    const { target, finding } = reached
    return target === undefined ? finding : lookAround(target, host, finding, tools)
  }
  const { socket, target, connectMs } = reached
  const { agents, limits, signal } = tools
  const base = { dialled: target.address, connectMs }
  let spoken: Spoken
  const askedMs = performance.now()
  try {
    spoken = await speak(socket, host, { agents, timeoutMs: limits.answerMs, signal })
  } finally {
    socket.destroy()
  }
  const answerMs = since(askedMs)
  if (spoken.kind === 'not-rdp') {
    const finding: Finding = { ...base, ...broken('not-rdp', 'host-not-rdp', spoken.detail) }
    return lookAround(target, host, finding, tools)
  }
  const names = await compareNames(host.address, target.address, {
    ...tools,
    timeoutMs: limits.namesMs,
  })
  const common = { ...base, answerMs, ...(names === undefined ? {} : { names }) }
  if (spoken.kind === 'tls-failed') {
    return { ...common, ...broken('tls-mismatch', 'host-tls-mismatch', spoken.detail) }
  }
  return { ...common, ...judgeCertificate(host, spoken) }
}

type Reached =
  | {
      kind: 'connected'
      socket: Awaited<ReturnType<typeof openSocket>>
      target: Target
      connectMs: number
    }
  /** `target`: the machine is there, and takes nobody on this port. */
  | { kind: 'away'; finding: Finding; target?: Target }

/** The first address that answers, of those that the policy admits. */
async function reach(host: ProbedHost, tools: ProbeTools): Promise<Reached> {
  const { policy, lookup, limits, signal } = tools
  const endsAtMs = performance.now() + limits.connectMs
  const leftFor = (attempts: number): Patience => ({
    timeoutMs: Math.max(1, Math.ceil((endsAtMs - performance.now()) / attempts)),
    signal,
  })
  const endpoint = { host: host.address, port: host.port }
  let targets: Target[]
  try {
    const found = await patiently(resolveTarget(endpoint, policy, lookup), leftFor(1))
    targets = found.slice(0, MAX_ADDRESSES)
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Refusal ? error.reason : 'host-unreachable'
    return { kind: 'away', finding: broken('unreachable', reason, errorText(error)) }
  }
  let finding = broken('unreachable', 'host-unreachable', 'has no address')
  let thereAt: Target | undefined
  for (const [index, target] of targets.entries()) {
    const beganMs = performance.now()
    try {
      const socket = await openSocket(target, leftFor(targets.length - index))
      return { kind: 'connected', socket, target, connectMs: since(beganMs) }
    } catch (error) {
      signal.throwIfAborted()
      finding = { dialled: target.address, ...judgeConnect(error) }
      if (isRefused(error) || isReset(error)) thereAt ??= target
    }
  }
  const there = thereAt === undefined ? {} : { target: thereAt }
  return { kind: 'away', finding, ...there }
}

/** Whoever resets so early that it counts as a failed connect has accepted it all the same. */
function judgeConnect(error: unknown): Finding {
  if (isReset(error)) return broken('not-rdp', 'host-not-rdp', 'resets the connection')
  const why = isTimeout(error) ? 'does not answer' : errorText(error)
  const detail = isRefused(error) ? 'refuses connections to this port' : why
  return broken('unreachable', 'host-unreachable', detail)
}

/** Somebody is there, and on another port perhaps the console is. */
async function lookAround(
  target: Target,
  host: ProbedHost,
  finding: Finding,
  { policy, agents, limits, signal }: ProbeTools,
): Promise<Finding> {
  const manners = { agents, timeoutMs: limits.neighbourMs, signal }
  const answersOn = await findNeighbour(target, host, policy, manners)
  return answersOn === undefined ? finding : { ...finding, state: 'wrong-port', answersOn }
}

/** A name that is not the host's and an end that has passed are told, but clients ask their users about both. */
function judgeCertificate(
  { pin }: ProbedHost,
  { security, certificate }: Extract<Spoken, { kind: 'answers' }>,
): Finding {
  if (pin !== undefined && certificate?.sha256Thumbprint !== pin) {
    const has = certificate?.sha256Thumbprint ?? 'none'
    const detail = `certificate: need ${pin}, has ${has}`
    return {
      ...broken('tls-mismatch', 'host-tls-mismatch', detail),
      security,
      ...(certificate === undefined ? {} : { certificate }),
    }
  }
  return { state: 'ready', security, ...(certificate === undefined ? {} : { certificate }) }
}

function broken(
  state: Exclude<ProbeResult['state'], 'ready'>,
  reason: NonNullable<ProbeResult['reason']>,
  text: string,
): Finding {
  const detail = toShown(text)
  return { state, reason, ...(detail === undefined ? {} : { detail }) }
}

function since(beganMs: number): number {
  return Math.round(performance.now() - beganMs)
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED'
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}

function isTimeout(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'ERR_DEADLINE'
}
