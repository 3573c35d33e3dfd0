import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { TARGETS } from './targets/index.ts'

const src = resolve(import.meta.dirname, '../../src')

/** Where bytes and text from outside are read. */
const ROOMS = [
  'protocol',
  'gateway',
  'client',
  'control',
  'tokens',
  'certs',
  'rdpfile',
  'demo/host',
  'lib',
  'host-agent',
]
/** What reads is called so; `FrameReader`, `PacketFramer` and the like are made by a function or are classes. */
const DECODER =
  /^export (?:async )?(?:function\*? ((?:decode|parse|read|take|classify|inspect|check|create\w*Reader|route)\w*|tpktLength)|class (\w*(?:Decoder|Framer|HeadBuffer)))\b/gm

/** They decode nothing by themselves. */
const NO_DECODERS: Record<string, string> = {
  'gateway/http/head-reader.ts:readRequestHead': 'feeds a socket to HeadBuffer',
  'protocol/console-fields.ts:decodeGrantNotice':
    'takes what decodeProxyV2 gives; it has its own test',
  'gateway/transport/reads.ts:takeReads': 'hands reads of a socket on',
  'gateway/proxied.ts:readProxyHeader': 'feeds a socket to decodeProxyV2',
  'host-agent/opening.ts:readOpening': 'feeds a socket to decodeOpening',
  'client/negotiate.ts:readAnswer': 'gathers what tpktLength and its like measure',
  'lib/session-cookie.ts:readCookie': 'compares one value that koa has read with a pattern',
  'lib/session-cookie.ts:readSessionCookie': 'the same, for one name',
  'client/http-head.ts:readResponseHead': 'feeds a socket to HeadBuffer',
  'demo/host/client-pdus.ts:readClientPdus': 'puts decodeDomainPdu and decodeSharePdus together',
  'certs/key-pair.ts:checkPair': 'reads with readCertificate and readPrivateKey',
  'control/to-broker.ts:parseProbeResult': 'takes what the store kept of decodeToBroker',
  'tokens/verify-steps.ts:checkIssuer': 'compares what is decoded',
  'tokens/verify-steps.ts:checkStart': 'compares what is decoded',
  'tokens/verify-steps.ts:checkExpiry': 'compares what is decoded',
}

function decodersIn(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    if (statSync(path).isDirectory()) return decodersIn(path)
    if (!path.endsWith('.ts')) return []
    const matches = readFileSync(path, 'utf8').matchAll(DECODER)
    return [...matches].map((match) => `${relative(src, path)}:${match[1] ?? match[2]}`)
  })
}

const decoders = ROOMS.flatMap((room) => decodersIn(join(src, room)))
const covered = new Set(TARGETS.flatMap(({ covers }) => covers))

test('every decoder has a target', () => {
  const missing = decoders.filter((decoder) => !covered.has(decoder) && !(decoder in NO_DECODERS))
  expect(missing).toEqual([])
})

test('every target names decoders that exist', () => {
  const known = new Set(decoders)
  expect([...covered].filter((decoder) => !known.has(decoder))).toEqual([])
  expect(Object.keys(NO_DECODERS).filter((decoder) => !known.has(decoder))).toEqual([])
})
