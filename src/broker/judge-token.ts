import type { Peer, RedeemRequest } from '../control/index.ts'
import { type Clock, type LogFields, type Reason, Refusal } from '../lib/index.ts'
import type { HostKind, Store } from '../store/index.ts'
import {
  type AnyVerifiedToken,
  type Presentable,
  type RedeemRule,
  redeemKey,
  verifyAnyGatewayToken,
  verifyAnyHostToken,
} from '../tokens/index.ts'
import type { Nodes } from './nodes.ts'
import type { Policies } from './policies.ts'
import { closedByPolicy, HOST_CLOSED, type RedeemPolicy, redeemPolicy } from './redeem-policy.ts'
import type { RevocationKeeper } from './revocation-keeper.ts'
import type { TrustKeeper } from './trust-keeper.ts'
import { goneFromHost } from './whereabouts.ts'

export interface JudgeOptions {
  store: Store
  /** Audience of gateway tokens. */
  farmName: string
  trust: TrustKeeper
  revocations: RevocationKeeper
  nodes: Nodes
  rule: RedeemRule
  policies: Pick<Policies, 'effective'>
  /** Clock difference to forgive; default 5. */
  leewaySeconds?: number
  clock: Clock
}

/** A verified token, as the ledger takes it. */
export interface JudgedToken {
  token: Presentable & { claims: { knd?: HostKind; dst?: string } }
  /** What the ledger knows it by. */
  key: string
  policy: Omit<RedeemPolicy, 'consentText'>
  /** What its verifier is told beside yes. */
  answer: { consentText?: string; ref?: string }
}

/** A presentation at this time; what is learned of the token is added to `fields` for the log. */
export interface Presented {
  request: RedeemRequest
  nowMs: number
  fields: LogFields
}

/**
 * Verifies in full what a node or an agent has verified already: a gateway token from the one, a host token
 * from the other.
 *
 * @throws Refusal
 */
export function judgeToken(
  options: JudgeOptions,
  peer: Peer,
  presented: Presented,
): Promise<JudgedToken> {
  return peer.role === 'agent'
    ? judgeHostToken(options, peer, presented)
    : judgeGatewayToken(options, peer, presented)
}

async function judgeGatewayToken(
  options: JudgeOptions,
  peer: Peer,
  { request, nowMs, fields }: Presented,
): Promise<JudgedToken> {
  const { farmName, nodes } = options
  const { token: presented, clientAddress, decidedAt } = request
  // It has just started, and our order is on its way.
  if (decidedAt === undefined && (await nodes.orderFor(peer.name)) !== undefined) {
    throw new Refusal('node-draining', `node ${peer.name}: is to take no new tunnels`)
  }
  const verified = await verifyAnyGatewayToken(presented, {
    ...(await circumstances(options, nowMs)),
    audience: farmName,
    clientAddress,
  })
  const token = { ...verified, claims: { ...verified.claims, ...(await whose(options, verified)) } }
  const { jti, tid: tenant, vm, sub: user, dst: host } = token.claims
  Object.assign(fields, { jti, tenant, vm, user, host })
  refuseRevoked(options, token)
  const { consentText, ...policy } = await redeemPolicy(options, token)
  const answer = consentText === undefined ? {} : { consentText }
  return { token, key: redeemKey(token), policy, answer }
}

/** A FedAuth token names a host, nobody, and no time of its minting; what was asked for then does. */
async function whose(
  { store }: JudgeOptions,
  { vmUnbound, claims }: AnyVerifiedToken,
): Promise<Partial<Presentable['claims']>> {
  const grant = vmUnbound ? await store.grants.findByJti(claims.jti) : undefined
  if (grant === undefined) return {}
  const { tenant: tid, user: sub, vm, createdAtMs } = grant
  return { tid, sub, vm, iat: Math.floor(createdAtMs / 1000) }
}

/**
 * Of a host token the grant says whose it is; without one (a token of another broker, one that is long past) the
 * token's word counts. It is redeemed beside its gateway token, which stands for the session: that one alone is
 * listed, counted and limited.
 */
async function judgeHostToken(
  options: JudgeOptions,
  peer: Peer,
  { request, nowMs, fields }: Presented,
): Promise<JudgedToken> {
  const { store, policies } = options
  const token = await verifyAnyHostToken(request.token, await circumstances(options, nowMs))
  const { jti, vm, aud, iat, exp, rcw } = token.claims
  const grant = await store.grants.findByJti(jti)
  const { tenant, user, ref } = grant ?? {}
  Object.assign(fields, { jti, tenant, vm, user, host: aud })
  const host = await store.hosts.get(aud)
  if (host === undefined || ![host.id, host.address].includes(peer.name)) {
    throw new Refusal('audience-mismatch', `aud: ${aud} is not the host of agent ${peer.name}`)
  }
  refuseRevoked(options, { ...token, claims: { ...token.claims, tid: tenant, sub: user } })
  const gatewayToken = await store.redeems.get(redeemKey(token))
  if (gatewayToken?.burned !== undefined) {
    // The store keeps reasons as text; this one was written from a Reason.
    throw new Refusal(gatewayToken.burned as Reason, 'token: its gateway token is worthless')
  }
  const policy = await policies.effective(grant ?? { vm })
  const gone =
    grant && goneFromHost(token.claims, grant.tenant, await store.vms.getPlacement(grant.vm))
  const closed = host.consoleAllow ? (closedByPolicy(policy) ?? gone) : HOST_CLOSED
  return {
    token: { ...token, claims: { jti, iat, exp, knd: 'agent', rcw } },
    key: `host ${redeemKey(token)}`,
    policy: {
      clientBinding: policy.clientBinding.value,
      maxSessions: 0,
      ...(closed === undefined ? {} : { closed }),
    },
    answer: ref === undefined ? {} : { ref },
  }
}

async function circumstances({ trust, rule, leewaySeconds }: JudgeOptions, nowMs: number) {
  return {
    trust: await trust.list(),
    nowMs,
    reopenSeconds: rule.reopenSeconds,
    ...(leewaySeconds === undefined ? {} : { leewaySeconds }),
  }
}

function refuseRevoked(
  { revocations }: JudgeOptions,
  token: Parameters<RevocationKeeper['find']>[0],
): void {
  const revocation = revocations.find(token)
  if (revocation === undefined) return
  throw new Refusal('token-revoked', `revocation ${revocation.id}: by ${revocation.kind}`)
}
