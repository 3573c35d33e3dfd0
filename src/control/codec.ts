import type { z } from 'zod'
import { needWords, ProtocolError } from '../lib/index.ts'
import { type ToBrokerMessage, toBrokerMessage } from './to-broker.ts'
import { type ToNodeMessage, toNodeMessage } from './to-node.ts'

/** A message as the text of one WebSocket frame; the only place where a token leaves its `Secret`. */
export function encodeMessage(message: ToBrokerMessage | ToNodeMessage): string {
  return message.type === 'redeem'
    ? JSON.stringify({ ...message, token: message.token.reveal() })
    : JSON.stringify(message)
}

/** @throws ProtocolError `ERR_PACKET_MALFORMED` naming the first field that is wrong, never its value */
export function decodeToBroker(text: string): ToBrokerMessage {
  return decode(toBrokerMessage, text)
}

/** As {@link decodeToBroker}, for what a broker says. */
export function decodeToNode(text: string): ToNodeMessage {
  return decode(toNodeMessage, text)
}

function decode<T>(schema: z.ZodType<T>, text: string): T {
  const result = schema.safeParse(parseJson(text), { error: needWords })
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw malformed(issue?.path.join('.') || 'message', issue?.message ?? 'not readable')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words quote the text, and that may hold a token.
    throw malformed('message', 'is no JSON')
  }
}

function malformed(field: string, message: string): ProtocolError {
  return new ProtocolError('ERR_PACKET_MALFORMED', 'CONTROL', field, message.slice(0, 200))
}
