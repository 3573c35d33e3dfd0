import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '../lib/index.ts'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** Cost of one password hash: memory is 128 × r × 2^logN bytes. */
export interface PasswordCost {
  logN: number
  r: number
  p: number
}

/** 32 MiB and about a quarter of a second in the thread pool; OWASP's table names this row. */
export const PASSWORD_COST: PasswordCost = { logN: 15, r: 8, p: 3 }

/** Of new passwords, in characters. */
export const MIN_PASSWORD_LENGTH = 8
/** Nobody types more; how long hashing takes must not be the client's choice. */
export const MAX_PASSWORD_LENGTH = 1024

const SALT_BYTES = 16
const HASH_BYTES = 32
/** A hash in the store may carry another cost than today's, but never one that stalls the broker. */
const MAX_MEMORY_BYTES = 128 * 1024 * 1024

const FORMAT =
  /^scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})$/

/** `scrypt$ln=15,r=8,p=3$<salt>$<hash>`, both base64url: it says all that verifying needs. */
export async function hashPassword(password: Secret, cost = PASSWORD_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await deriveHash(password, salt, cost)
  const { logN, r, p } = cost
  return `scrypt$ln=${logN},r=${r},p=${p}$${salt.toString('base64url')}$${hash.toString('base64url')}`
}

/** Compares in constant time; false also for a hash that is not in the format. */
export async function verifyPassword(password: Secret, passwordHash: string): Promise<boolean> {
  const [, logN, r, p, salt = '', hash = ''] = FORMAT.exec(passwordHash) ?? []
  if (logN === undefined) return false
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) }
  const derived = await deriveHash(password, Buffer.from(salt, 'base64url'), cost)
  return timingSafeEqual(derived, Buffer.from(hash, 'base64url'))
}

/** A hash that no password fits: it lets an unknown user cost the same time as a known one. */
export function decoyPasswordHash({ logN, r, p } = PASSWORD_COST): string {
  const random = (bytes: number) => randomBytes(bytes).toString('base64url')
  return `scrypt$ln=${logN},r=${r},p=${p}$${random(SALT_BYTES)}$${random(HASH_BYTES)}`
}

function deriveHash(password: Secret, salt: Buffer, { logN, r, p }: PasswordCost): Promise<Buffer> {
  // NFC, so that one password typed on two systems is one password.
  const text = password.reveal().normalize('NFC')
  return derive(text, salt, HASH_BYTES, { N: 2 ** logN, r, p, maxmem: MAX_MEMORY_BYTES })
}
