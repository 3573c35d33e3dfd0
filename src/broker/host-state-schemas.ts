import { z } from 'zod'
import { REASONS } from '../lib/index.ts'
import { HOST_STATES } from './host-hints.ts'
import type { HostStanding, NodeFinding } from './host-standing.ts'

/** Shapes of what the API says of how hosts stand. */

const timestamp = z.iso.datetime().meta({ description: 'RFC 3339, UTC.' })
const port = z.int().min(1).max(65_535)

const findingShape = z
  .object({
    node: z.string(),
    state: z.enum(HOST_STATES),
    since: timestamp.meta({ description: 'Since when it is in this state.' }),
    probedAt: timestamp,
    reason: z.enum(REASONS).optional(),
    detail: z.string().optional().meta({ description: 'What the node saw.' }),
    hint: z.string().optional().meta({ description: 'What an operator can do about it.' }),
    issues: z.array(z.string()).meta({ description: 'For people; it may be ready all the same.' }),
    address: z.string().optional().meta({ description: 'The literal address that was dialled.' }),
    answersOn: port.optional().meta({ description: 'A port close by that answers as it should.' }),
    connectMs: z.int().optional(),
    answerMs: z.int().optional().meta({ description: 'From TCP to its answer.' }),
    security: z.string().optional().meta({ description: 'What it chose: `tls`, `credssp`, …' }),
    certificate: z
      .object({
        protocol: z.string(),
        subject: z.string().optional(),
        issuer: z.string().optional(),
        notAfter: timestamp,
        sha256Thumbprint: z.string(),
        namesHost: z.boolean().meta({ description: "It is for the host's address." }),
      })
      .optional()
      .meta({ description: 'As the host showed it; nobody has verified it.' }),
    names: z
      .object({ reverse: z.array(z.string()), match: z.boolean() })
      .optional()
      .meta({ description: 'Reverse look-up of the address, and whether it fits the host.' }),
  })
  .meta({ id: 'HostFinding' })

/** Belongs into the host's own shape. */
export const hostStandingShape = {
  state: z.enum(HOST_STATES).meta({
    description: '`ready` when one node finds it so; `unknown` when none has looked for 5 minutes.',
  }),
  reason: z.enum(REASONS).optional(),
  hint: z.string().optional().meta({ description: 'What an operator can do about it.' }),
  states: z.array(findingShape).meta({ description: 'How each node found it, by name.' }),
}

/** Those fields of one host. */
export function renderStanding(standing: HostStanding | undefined) {
  const { state = 'unknown' as const, reason, hint, findings = [] } = standing ?? {}
  return { state, reason, hint, states: findings.map(renderFinding) }
}

function renderFinding({ node, sinceMs, probedAtMs, result, hint, issues }: NodeFinding) {
  const { state, reason, detail, dialled: address, answersOn, certificate } = result
  const { connectMs, answerMs, security, names } = result
  return {
    ...{ node, state, since: toTimestamp(sinceMs), probedAt: toTimestamp(probedAtMs) },
    ...{ reason, detail, hint, issues, address, answersOn, connectMs, answerMs, security },
    certificate: certificate && { ...certificate, notAfter: toTimestamp(certificate.notAfter) },
    names,
  }
}

function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
