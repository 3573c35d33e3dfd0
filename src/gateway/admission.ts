import type { VerifierLease, VerifierRedeem } from '../control/index.ts'
import { errorText, ProtocolError, Refusal, type Secret } from '../lib/index.ts'
import { Capability, decodeTunnelCreate, type TunnelCreate } from '../protocol/index.ts'
import {
  type AnyVerifiedToken,
  claimedJti,
  verifyAnyGatewayToken,
  verifyGatewayToken,
} from '../tokens/index.ts'
import type { Quota } from './quota.ts'
import { reasonOf } from './status.ts'
import type { Tunnel } from './tunnel.ts'

export interface Admitted {
  claims: AnyVerifiedToken['claims']
  /** Flags of `Capability` that the client offers. */
  capsFlags: number
  /** What the user has to agree to; absent when there is nothing, or the client can't ask. */
  consentText?: string
  /** How long ago its session began; over 0 for one that is back. */
  sessionAgeSeconds: number
}

/**
 * Decides about the token that TUNNEL_CREATE carries. It is verified first, so that a stranger learns
 * nothing of the node's state; then come the node's own limits; it is redeemed last, so that no use of it
 * is spent in vain. What is taken is given back at the tunnel's end.
 *
 * @param body of TUNNEL_CREATE
 * @throws Refusal or ProtocolError, after the log has told the exact reason (at `debug` once too many strangers came)
 */
export async function admit(tunnel: Tunnel, body: Uint8Array): Promise<Admitted> {
  let presented: Secret | undefined
  let verified: AnyVerifiedToken | undefined
  try {
    const request = decodeTunnelCreate(body)
    presented = cookieOf(tunnel, request)
    markLab(tunnel, presented)
    verified = await verify(tunnel, presented)
    checkRevoked(tunnel, verified)
    checkBound(tunnel, verified)
    // From here on a kill or a revocation finds the tunnel by its token.
    tunnel.token = verified
    tunnel.transport.inbox.ended.throwIfAborted()
    takePlace(tunnel)
    const lease = await redeem(tunnel, { token: verified, presented })
    tunnel.transport.inbox.ended.throwIfAborted()
    tunnel.addToLog(tokenFields(tunnel, verified))
    tunnel.log.info('token.redeemed', { issuer: verified.issuerThumbprint })
    const { capsFlags } = request
    const { sessionAgeSeconds = 0 } = lease
    const agreement = consent(tunnel, lease, capsFlags)
    return { claims: verified.claims, capsFlags, sessionAgeSeconds, ...agreement }
  } catch (error) {
    // A client that left while it was being checked has not been refused.
    if (tunnel.transport.inbox.ended.aborted) throw error
    const level = verified === undefined ? tunnel.node.strangerLevel() : 'warn'
    tunnel.log[level]('token.refused', {
      reason: reasonOf(error),
      error: errorText(error),
      ref: tunnel.ref,
      ...(verified === undefined ? claimedFields(presented) : tokenFields(tunnel, verified)),
    })
    throw error
  }
}

function cookieOf({ node }: Tunnel, { paaCookie, reauthTunnelContext }: TunnelCreate): Secret {
  if (paaCookie === undefined) {
    throw new ProtocolError('ERR_PACKET_MALFORMED', 'TUNNEL_CREATE', 'paaCookie', 'absent')
  }
  const { maxCookieCharacters } = node.limits
  if (paaCookie.length > maxCookieCharacters) {
    const message = `${paaCookie.length} characters, at most ${maxCookieCharacters}`
    throw new ProtocolError('ERR_PACKET_TOO_LARGE', 'TUNNEL_CREATE', 'paaCookie', message)
  }
  // We never ask for reauthentication, so there is no context that a client could know.
  if (reauthTunnelContext !== undefined && reauthTunnelContext !== 0n) {
    throw new Refusal('token-malformed', 'reauthTunnelContext: unknown')
  }
  return paaCookie
}

/** From here on the tunnel is a laboratory's, in the log as well, whether its token turns out good or not. */
function markLab(tunnel: Tunnel, token: Secret): void {
  if (!tunnel.node.lab?.isNamedBy(token)) return
  tunnel.lab = tunnel.node.lab
  tunnel.addToLog({ purpose: tunnel.purpose })
}

async function verify({ node, lab, client }: Tunnel, token: Secret): Promise<AnyVerifiedToken> {
  if (node.trust.refusal !== undefined) throw node.trust.refusal
  const circumstances = {
    nowMs: node.clock.now(),
    audience: node.farmName,
    leewaySeconds: node.leewaySeconds,
    clientAddress: client.remoteAddress,
    reopenSeconds: (lab ?? node).ledger.reopenSeconds,
  }
  if (lab !== undefined) return lab.verify(token, circumstances)
  const verifyToken = node.fedAuthHosts === undefined ? verifyGatewayToken : verifyAnyGatewayToken
  return verifyToken(token, { ...circumstances, trust: node.trust.list })
}

function checkRevoked({ node }: Tunnel, token: AnyVerifiedToken): void {
  const revocation = node.trust.revocations.find(token)
  if (revocation === undefined) return
  const { id, kind } = revocation
  throw new Refusal('token-revoked', `${kind}: revoked by revocation ${id}`)
}

/** A token that names no VM opens all of its host's, so the host must check a token of its own. */
function checkBound({ node }: Tunnel, { vmUnbound, claims }: AnyVerifiedToken): void {
  if (!vmUnbound || node.fedAuthHosts?.includes(claims.dst)) return
  throw new Refusal(
    'policy-denied',
    `Host: token names no VM, and ${claims.dst} is not listed as verifying its own token`,
  )
}

function takePlace({ node, lab, client, held }: Tunnel): void {
  if (node.draining) throw new Refusal('node-draining', 'this node takes no new tunnels')
  const quotas: [string, Quota | undefined][] = [
    ['tunnels', node.tunnels],
    ["a laboratory's tunnels", lab?.tunnels],
  ]
  for (const [what, quota] of quotas) {
    if (quota === undefined) continue
    const release = quota.take(client.remoteAddress)
    if (release === undefined) {
      throw new Refusal('limit-reached', `${what}: have ${quota.total} on this node`)
    }
    held.defer(release)
  }
}

async function redeem(
  tunnel: Tunnel,
  token: Pick<VerifierRedeem, 'token' | 'presented'>,
): Promise<VerifierLease> {
  const { id, node, lab, client, held } = tunnel
  const clientAddress = client.remoteAddress
  const lease: VerifierLease = await (lab ?? node).ledger.redeem({
    ...token,
    clientAddress,
    tunnel: id,
  })
  held.defer(() => lease.release(tunnel.endReason))
  return lease
}

/**
 * The broker's text, or this node's own. A client that can't show one is let in without it: the token
 * says that it may, and no known client lacks the capability.
 */
function consent(
  { node, log }: Tunnel,
  { consentText = node.consentText }: VerifierLease,
  capsFlags: number,
): Pick<Admitted, 'consentText'> {
  if (consentText === undefined) return {}
  if ((capsFlags & Capability.messagingConsentSign) !== 0) return { consentText }
  log.warn('consent.not-asked', { error: 'capsFlags: the client shows no consent text' })
  return {}
}

function claimedFields(presented: Secret | undefined): Record<string, string> {
  const jti = presented && claimedJti(presented)
  return jti === undefined ? {} : { claimedJti: jti }
}

/** Tenant, user and VM of a laboratory's token are its tester's words: they are nobody's. */
function tokenFields(
  { lab }: Pick<Tunnel, 'lab'>,
  { claims, vmUnbound }: AnyVerifiedToken,
): Record<string, string> {
  const { jti, dst: host } = claims
  if (lab !== undefined) return { jti, host }
  if (vmUnbound) return { jti, host, binding: 'vm-unbound' }
  return { jti, tenant: claims.tid, user: claims.sub, vm: claims.vm, host }
}
