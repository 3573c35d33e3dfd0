import {
  type ControlCertificate,
  FixedTrust,
  SessionRegistry,
  type VerifierControl,
  type VerifierLedger,
  type VerifierTrust,
} from '../control/index.ts'
import {
  type CertificateEnd,
  type Clock,
  type Endpoint,
  type Log,
  Refusal,
  STRANGERS_REQUESTS,
  strangerLevel,
  tapLog,
} from '../lib/index.ts'
import { issuerEnd, type TrustList } from '../tokens/index.ts'
import { createAgentControl, tellRefused } from './agent-control.ts'
import type { Consoles } from './consoles.ts'
import { type AgentLimits, DEFAULT_AGENT_LIMITS } from './limits.ts'
import { createListener } from './listener.ts'
import { type AgentObserver, NO_OBSERVER } from './observer.ts'
import type { HostAgentOptions, NodeCertificate } from './options.ts'
import { AgentSession } from './session.ts'

/** What all sessions of one agent share. */
export interface AgentNode {
  readonly host: string
  readonly trust: VerifierTrust
  readonly ledger: VerifierLedger
  readonly consoles: Consoles
  readonly leewaySeconds: number
  readonly sessions: SessionRegistry
  readonly limits: AgentLimits
  readonly observer: AgentObserver
  readonly clock: Clock
  readonly log: Log
  /** At which level to log the next opening that proves nothing. */
  readonly strangerLevel: () => 'warn' | 'debug'
}

/** How an agent stands, for whoever watches it. */
export interface AgentFigures {
  /** Whether it could admit somebody: its trust is there and fresh, its clock right. */
  ready: boolean
  /** Undefined for an agent that no broker leads. */
  trustVersion: number | undefined
  /** When a broker last confirmed the trust set; undefined before that, and without a broker. */
  trustConfirmedMs: number | undefined
  /** Issuers that it trusts. */
  issuers: CertificateEnd[]
}

/** The verifying front of one hypervisor host. */
export interface HostAgent {
  /** @throws BrokerError `ERR_START` when the address can't be taken */
  listen(): Promise<Endpoint>
  /**
   * Serves nodes that connect from now on with another certificate; open consoles stay.
   *
   * @throws Error when TLS can't use it; then it keeps the one it has
   */
  replaceCertificate(certificate: NodeCertificate): void
  /** Dials its broker anew with another control certificate, where it has one. @throws as {@link replaceCertificate} */
  replaceControlCertificate(certificate: ControlCertificate): void
  /** Other issuers from now on; without effect on open consoles, and on an agent whose broker keeps them. */
  replaceTrust(trust: TrustList): void
  figures(): AgentFigures
  /** Ends every session with `node-stopped` and closes everything; resolves when that is done. */
  close(): Promise<void>
}

export function createHostAgent(options: HostAgentOptions): HostAgent {
  const { host, clock, consoles, leewaySeconds, observer = NO_OBSERVER } = options
  const log = options.log.child({ agent: options.agent, host })
  const limits = { ...DEFAULT_AGENT_LIMITS, ...options.limits }
  const sessions = new SessionRegistry()
  const { control, ...verifier } = createVerifier(options, { sessions, log })
  const agent: AgentNode = {
    ...{ host, consoles, leewaySeconds, sessions, limits, observer, clock },
    strangerLevel: strangerLevel(clock, STRANGERS_REQUESTS),
    log: tapLog(log, (event, fields) => {
      // Without a verified token a line is about a stranger.
      if (event === 'host.refused' && fields.jti !== undefined && control !== undefined)
        tellRefused({ clock, client: control.client }, { ...fields, host })
    }),
    ...verifier,
  }
  const listener = createListener({
    listen: options.listen,
    security: options.security,
    limits,
    clock,
    log,
    onConnection: (socket, from) => void AgentSession.start(agent, socket, from),
  })
  return {
    async listen() {
      const address = await listener.listen()
      control?.client.start()
      return address
    },
    replaceCertificate: (certificate) => listener.replaceCertificate(certificate),
    replaceControlCertificate: (certificate) => control?.client.replaceCertificate(certificate),
    replaceTrust(trust) {
      if (agent.trust instanceof FixedTrust) agent.trust.replace(trust)
    },
    figures() {
      const { trust } = agent
      const offsetMs = Math.abs(control?.clockOffsetMs ?? 0)
      return {
        ready: trust.refusal === undefined && offsetMs <= leewaySeconds * 1000,
        trustVersion: trust.version,
        trustConfirmedMs: trust.confirmedMs,
        issuers: trust.list.issuers.filter(({ purpose }) => purpose === 'host').map(issuerEnd),
      }
    },
    async close() {
      listener.stop()
      await sessions.endAll(new Refusal('node-stopped', 'this agent stops'))
      // After the sessions, so that the broker hears of their ends.
      await control?.client.close()
    },
  }
}

/** Whom it trusts and who counts: a broker for all, or this process for itself. */
function createVerifier(
  { control: options, trust, ledger, clock }: HostAgentOptions,
  { sessions, log }: Pick<AgentNode, 'sessions' | 'log'>,
): Pick<AgentNode, 'trust' | 'ledger'> & { control: VerifierControl | undefined } {
  if (options === undefined) return { trust: new FixedTrust(trust), ledger, control: undefined }
  const control = createAgentControl(options, { sessions, ownLedger: ledger, clock, log })
  return { trust: control.trust, ledger: control.ledger, control }
}
