import { decodeToBroker, decodeToNode } from '../../../src/control/codec.ts'
import { ProtocolError, parseEndpoint, parseReference } from '../../../src/lib/index.ts'
import type { FuzzTarget } from '../target.ts'

const JSON_WORDS = [
  ...['{', '}', '[', ']', '"', ',', ':', '\\u0000', '\\ud800', '1e400', '-0', 'null', 'true'],
  ...['"type":"hello"', '"__proto__":{}', '"request":1', '"reason":"killed"', '[[[[[[[['],
]

/** What the two ends of the control channel say, and short texts that people type. */
export const MESSAGE_TARGETS: readonly FuzzTarget[] = [
  {
    kind: 'decoder',
    name: 'control-to-broker',
    covers: ['control/codec.ts:decodeToBroker'],
    mayThrow: [ProtocolError],
    dictionary: JSON_WORDS,
    decode(bytes) {
      const message = decodeToBroker(bytes.toString())
      return message.type === 'redeem' ? { ...message, token: message.token.reveal() } : message
    },
  },
  {
    kind: 'decoder',
    name: 'control-to-node',
    covers: ['control/codec.ts:decodeToNode'],
    mayThrow: [ProtocolError],
    dictionary: JSON_WORDS,
    decode: (bytes) => decodeToNode(bytes.toString()),
  },
  {
    kind: 'decoder',
    name: 'endpoint',
    covers: ['lib/endpoint.ts:parseEndpoint'],
    mayThrow: [],
    dictionary: ['[', ']', ':', '::', '.', '%', '@', '65535', '00'],
    decode: (bytes) => parseEndpoint(bytes.toString(), 3389),
  },
  {
    kind: 'decoder',
    name: 'reference',
    covers: ['lib/reference.ts:parseReference'],
    mayThrow: [],
    dictionary: ['-', 'O', 'l', ' '],
    decode: (bytes) => parseReference(bytes.toString()),
  },
]
