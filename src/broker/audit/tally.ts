import { Allowance, type Clock, errorText, type Log } from '../../lib/index.ts'
import type { Audit } from './audit.ts'
import type { AuditEntry } from './chain.ts'

/** How often counts become records. */
export const TALLY_EVERY_MS = 60_000
/**
 * Records that strangers can cause, each with one more for its repetitions: about 10 MB a day while a flood lasts,
 * and never so many that the records of others wait.
 */
const STRANGERS = { burst: 500, perSecond: 0.1 }
/** Likewise of those who are known: paths that they may not change, as they chose them. */
const CHOSEN = STRANGERS
/** Who comes from an address, and is nobody that is known. */
const STRANGER = 'address:'
/** All of those who are too many to be told apart. */
const OTHERS = `${STRANGER}others`

export type TalliedEntry = Omit<AuditEntry, 'details'> & {
  /** Of one key: the same again is what has the same details. */
  details?: Record<string, string>
  /** The subject without what the caller chose of it, which counts when there are too many. */
  pattern?: string
}

/** What happens over and over: the first of a minute is a record at once, those like it are counted in one more. */
export interface Tally {
  /**
   * Resolves when it is kept or counted; it must not be answered before.
   *
   * @throws BrokerError `ERR_STORE`
   */
  record(entry: TalliedEntry): Promise<void>
  /** Of a no, which nobody keeps back until it is kept. */
  refused(entry: TalliedEntry): void
  /** Records what was counted since the last time. */
  flush(): Promise<void>
}

export interface TallyOptions {
  audit: Pick<Audit, 'record'>
  clock: Clock
  log: Log
}

interface Counted {
  entry: TalliedEntry
  repeated: number
}

export function createTally({ audit, clock, log }: TallyOptions): Tally {
  const strangers = new Allowance({ ...STRANGERS, clock })
  const chosen = new Allowance({ ...CHOSEN, clock })
  let counted = new Map<string, Counted>()

  /** @returns what is to be recorded, when this is the first one */
  const count = (entry: TalliedEntry): TalliedEntry | undefined => {
    const { actor, action, subject, outcome, details } = entry
    const name = JSON.stringify([actor, action, subject, outcome, details])
    const known = counted.get(name)
    if (known !== undefined) {
      known.repeated += 1
      return undefined
    }
    if (actor.startsWith(STRANGER) && actor !== OTHERS && !strangers.take()) {
      return count({ actor: OTHERS, action, subject, outcome })
    }
    const { pattern = subject, ...rest } = entry
    if (pattern !== subject && !chosen.take()) return count({ ...rest, subject: pattern })
    counted.set(name, { entry: rest, repeated: 0 })
    return rest
  }

  const record = async (entry: TalliedEntry): Promise<void> => {
    const first = count(entry)
    if (first !== undefined) await audit.record(toEntry(first))
  }

  const orSay = (work: Promise<unknown>): Promise<unknown> =>
    work.catch((error) => log.error('audit.failed', { work: 'tally', error: errorText(error) }))

  return {
    record,
    refused: (entry) => void orSay(record(entry)),
    async flush() {
      const past = [...counted.values()].filter(({ repeated }) => repeated > 0)
      counted = new Map()
      await orSay(Promise.all(past.map((one) => audit.record(toSum(one)))))
    },
  }
}

function toEntry({ details, ...entry }: TalliedEntry): AuditEntry {
  return { ...entry, ...(details === undefined ? {} : { details: JSON.stringify(details) }) }
}

/** The reference is the first one's. */
function toSum({ entry: { ref: _, details, ...entry }, repeated }: Counted): AuditEntry {
  return { ...entry, details: JSON.stringify({ ...details, repeated }) }
}
