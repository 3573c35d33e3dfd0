import { z } from 'zod'
import { REASONS } from '../lib/index.ts'

// Unknown fields are dropped, since a newer peer may send more of them; unknown types and values are errors.

/** Milliseconds since the Unix epoch, UTC. */
export const time = z.int().min(0).max(8.64e15)
export const version = z.int().min(0)
export const identifier = z
  .string()
  .regex(/^[^\p{C}]{1,128}$/u, 'need 1 to 128 printable characters')
/** Names a tunnel on its node. */
export const tunnel = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'need 1 to 64 letters, digits and dashes')
/** Pairs an answer with its request, within one connection. */
export const request = z.int().min(1)
export const port = z.int().min(1).max(65_535)
export const thumbprint = z.string().regex(/^[0-9A-F]{64}$/, 'need 64 upper-case hex digits')
export const reason = z.enum(REASONS)
export const reference = z.string().regex(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/, 'need a reference')
export const text = z.string().max(256)
export const count = z.int().min(0)
