import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Certificate, HASHES, type Hash, KEY_TYPES, type KeyType } from '../certs/index.ts'

/** One year and a month: a little more than the date in the calendar. */
export const LEAF_DAYS = 397
export const AUTHORITY_DAYS = 3650
/** Certificates are valid a little before they are made, so that a clock slightly behind accepts them. */
const BACKDATE_MS = 5 * 60 * 1000

export interface KeyOptions {
  key?: KeyType
  hash: Hash
}

/** What every command that makes a key asks: which kind, and which hash. */
export function addKeyOptions(command: Command): Command {
  return command
    .addOption(new Option('--key <type>', 'kind of key (default: ec-p256)').choices(KEY_TYPES))
    .addOption(new Option('--hash <hash>', 'of the signature').choices(HASHES).default('sha256'))
}

export function wholeDays(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1 || days > 7300) {
    throw new InvalidArgumentError('Need a whole number of days from 1 to 7300.')
  }
  return days
}

export function backdated(nowMs: number): Date {
  return new Date(nowMs - BACKDATE_MS)
}

/** What a person or a script wants to know of a certificate. */
export function summary(certificate: Certificate) {
  return {
    subject: certificate.subject,
    sha1Thumbprint: certificate.sha1Thumbprint,
    sha256Thumbprint: certificate.sha256Thumbprint,
    notAfter: certificate.notAfter.toISOString(),
  }
}
