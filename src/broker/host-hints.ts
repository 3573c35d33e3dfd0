import type { ProbedState, ProbeResult } from '../control/index.ts'
import type { Host } from '../store/index.ts'

/** What may be the matter with a host, DESIGN 6. */
export const HOST_STATES = [
  'ready',
  'not-opted-in',
  'unreachable',
  'wrong-port',
  'not-rdp',
  'tls-mismatch',
  'unknown',
] as const
export type HostState = (typeof HOST_STATES)[number]

/** From here on an operator had better renew a certificate. */
const WARN_BEFORE_MS = 14 * 24 * 60 * 60_000

/** What a hint depends on, beside the state. */
type Seen = Partial<Pick<ProbeResult, 'reason' | 'answersOn' | 'certificate'>>

/** What an operator can do about it; undefined when there is nothing to do. */
export function hintFor(
  state: HostState,
  host: Pick<Host, 'id' | 'kind' | 'port'>,
  result?: Seen,
): string | undefined {
  switch (state) {
    case 'ready':
      return undefined
    case 'not-opted-in':
      return `switch its consoles on: portcullis host enable ${host.id}`
    case 'unknown':
      return `no node has looked at it lately: portcullis host probe ${host.id}`
    default:
      return hintForBroken(state, host, result)
  }
}

function hintForBroken(
  state: Exclude<ProbedState, 'ready'>,
  { kind, port }: Pick<Host, 'kind' | 'port'>,
  { reason, answersOn, certificate }: Seen = {},
): string {
  switch (state) {
    case 'unreachable':
      if (reason === 'policy-denied') return "say in the node's configuration how to dial agents"
      return reason === 'target-not-allowed'
        ? `no rule in the node's targets.allow covers its address and port ${port}: add one, and start the node again`
        : `is it on, is its name right, and does its firewall let the nodes through to port ${port}?`
    case 'wrong-port':
      return `port ${answersOn} answers as it should: set the host's port to ${answersOn}`
    case 'not-rdp':
      return NOT_RDP[kind]
    case 'tls-mismatch':
      if (kind === 'agent') return 'its certificate has to be of an agent, and for this address'
      return certificate === undefined
        ? 'its RDP service has no TLS that works: look at its certificate and its TLS versions'
        : 'if it has a new certificate, set the pin to its thumbprint; otherwise another machine may be answering'
  }
}

const NOT_RDP: Record<Host['kind'], string> = {
  rdp: 'something else has this port, or its RDP service does not work',
  hyperv:
    'is this the console port of Hyper-V (2179), and are the GUIDs of its machines those of this host?',
  agent: 'something else has this port, or the host agent does not take connections of this node',
  vnc: 'something else has this port, or its VNC server does not work',
}

/** What a person should look at although the host may be ready, one sentence each. */
export function issuesOf(
  { certificate, names, dialled }: ProbeResult,
  { address }: Pick<Host, 'address'>,
  nowMs: number,
): string[] {
  const issues: string[] = []
  if (certificate !== undefined && !certificate.namesHost) {
    issues.push(`its certificate (${certificate.subject ?? 'no subject'}) is not for ${address}`)
  }
  if (certificate !== undefined && certificate.notAfter < nowMs + WARN_BEFORE_MS) {
    const ends = certificate.notAfter < nowMs ? 'ended' : 'ends'
    issues.push(`its certificate ${ends} at ${new Date(certificate.notAfter).toISOString()}`)
  }
  if (names?.match === false) {
    issues.push(`reverse look-up calls ${dialled} ${names.reverse.join(', ')}, not ${address}`)
  }
  return issues
}
