import type { VerifierLease } from '../control/index.ts'
import { Refusal } from '../lib/index.ts'
import { parsePreconnectionText, type VerifiedHostToken, verifyHostToken } from '../tokens/index.ts'
import type { ConsolePlace } from './consoles.ts'
import type { AgentNode } from './host-agent.ts'
import type { Opening } from './opening.ts'

export interface Admission {
  token: VerifiedHostToken
  place: ConsolePlace
  lease: VerifierLease
}

export interface Presenter {
  /** Names the session on this agent. */
  id: string
  /** The client's own, as the node tells it. */
  clientAddress: string
  /** Called once the token is verified: from here on a kill or a revocation finds the session by it. */
  onVerified(token: VerifiedHostToken): void
  signal: AbortSignal
}

/**
 * Decides about the host token that a preconnection blob carries, whatever a node has decided before:
 * form, issuer, signature, times, this host, the machine that the blob names, revocation. The machine's
 * console is looked for next, and the token redeemed last, so that no use of it is spent in vain.
 *
 * @throws Refusal; the signal's reason
 */
export async function admit(
  agent: AgentNode,
  { text }: Opening,
  { id, clientAddress, onVerified, signal }: Presenter,
): Promise<Admission> {
  const { trust, ledger, clock, host, leewaySeconds, consoles } = agent
  if (trust.refusal !== undefined) throw trust.refusal
  const { vmGuid, hostToken } = parsePreconnectionText(text)
  const token = await verifyHostToken(hostToken, {
    trust: trust.list,
    nowMs: clock.now(),
    audience: host,
    vmGuid,
    leewaySeconds,
    reopenSeconds: ledger.reopenSeconds,
  })
  onVerified(token)
  const revocation = trust.revocations.find(token)
  if (revocation !== undefined) {
    const { kind, id: revocationId } = revocation
    throw new Refusal('token-revoked', `${kind}: revoked by revocation ${revocationId}`)
  }
  const place = await consoles.find(vmGuid)
  signal.throwIfAborted()
  const lease = await ledger.redeem({ token, presented: hostToken, clientAddress, tunnel: id })
  return { token, place, lease }
}
