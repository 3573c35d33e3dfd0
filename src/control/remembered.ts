import { z } from 'zod'
import { BrokerError, needWords } from '../lib/index.ts'
import { drainOrder, revocationSet, trustSet } from './to-node.ts'

const rememberedTrust = z.strictObject({
  /** `asOf` is the verifier's own clock when the broker last confirmed both sets. */
  trust: trustSet,
  revocations: revocationSet,
  /** Of a node alone: out of service until a broker says otherwise. */
  drain: drainOrder.exactOptional(),
})

/** What a node or an agent keeps between two runs, so that it serves at once when no broker is there. */
export type RememberedTrust = z.infer<typeof rememberedTrust>

/** The text of a state file. */
export function renderRemembered(remembered: RememberedTrust): string {
  return `${JSON.stringify(remembered)}\n`
}

/** @throws BrokerError `ERR_CONFIG` for a file that is cut off or no state file at all */
export function parseRemembered(text: string): RememberedTrust {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new BrokerError('ERR_CONFIG', 'is no JSON', { cause: error })
  }
  const parsed = rememberedTrust.safeParse(value, { error: needWords })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BrokerError('ERR_CONFIG', `${issue?.path.join('.')}: ${issue?.message}`)
}
