import { test } from 'vitest'
import { KEY_TYPES, type KeyType } from '../../src/certs/index.ts'
import type { Secret } from '../../src/lib/index.ts'
import {
  createIssuer,
  createTrustList,
  type Issuer,
  verifyFedAuthToken,
  verifyGatewayToken,
  verifyHostToken,
} from '../../src/tokens/index.ts'
import { CLAIMS, createIssuerPair, HOST_CLAIMS, NOW, VM_GUID } from '../tokens/minting.ts'

const MEASURE_MS = 1_000
/** Requests at the same time: enough to keep libuv's four threads busy. */
const IN_FLIGHT = 16

/** One format under one key: how to make a token, and how to check it. */
interface Subject {
  format: string
  mint(): Promise<Secret>
  verify(token: Secret): Promise<unknown>
}

interface Rate {
  perSecond: number
  /** Milliseconds from call to result, with {@link IN_FLIGHT} in flight. */
  p99: number
  /** CPU microseconds of the whole process for each. */
  cpuUs: number
  /** The part of it that the event loop's thread spent. */
  mainUs: number
}

/** Wall-clock rates depend on the cores; CPU time is what to compare between machines and changes. */
test('tokens: mints and verifications per second, size', async () => {
  const rows: string[][] = []
  for (const key of KEY_TYPES) {
    for (const subject of await subjectsOf(key)) {
      const token = await subject.mint()
      const mints = await measure(subject.mint)
      const checks = await measure(() => subject.verify(token))
      rows.push([key, subject.format, String(token.length), ...cells(mints), ...cells(checks)])
    }
  }
  const rate = ['/s', 'p99 ms', 'CPU µs', 'main µs']
  printTable(
    ['key', 'format', 'characters', ...prefixed('mint', rate), ...prefixed('verify', rate)],
    rows,
  )
})

async function subjectsOf(key: KeyType): Promise<Subject[]> {
  const issuer = await createIssuer(await createIssuerPair(key))
  const { certificate } = issuer
  const trust = createTrustList(
    [
      { certificate, purpose: 'gateway' },
      { certificate, purpose: 'host' },
    ],
    NOW * 1000,
  )
  const now = { trust, nowMs: NOW * 1000 }
  return [
    {
      format: 'gateway',
      mint: () => issuer.sign(CLAIMS),
      verify: (token) => verifyGatewayToken(token, { ...now, audience: 'demo' }),
    },
    {
      format: 'host',
      mint: () => issuer.signHost(HOST_CLAIMS),
      verify: (token) => verifyHostToken(token, { ...now, audience: 'hv1', vmGuid: VM_GUID }),
    },
    ...fedAuth(issuer).map((mint) => ({
      format: 'fedauth',
      mint,
      verify: (token: Secret) => verifyFedAuthToken(token, now),
    })),
  ]
}

/** Nothing for a key that signs no FedAuth tokens. */
function fedAuth({ signFedAuth }: Issuer): Array<() => Promise<Secret>> {
  if (signFedAuth === undefined) return []
  const claims = { dst: 'hv1.example.net:2179', exp: NOW + 60 }
  return [async () => (await signFedAuth(claims)).token]
}

async function measure(operation: () => Promise<unknown>): Promise<Rate> {
  await run(operation, MEASURE_MS / 5)
  const processBefore = process.cpuUsage()
  const threadBefore = process.threadCpuUsage()
  const startMs = performance.now()
  const times = await run(operation, MEASURE_MS)
  const seconds = (performance.now() - startMs) / 1000
  const threadCpu = process.threadCpuUsage(threadBefore)
  const processCpu = process.cpuUsage(processBefore)
  return {
    perSecond: times.length / seconds,
    p99: times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0,
    cpuUs: (processCpu.user + processCpu.system) / times.length,
    mainUs: (threadCpu.user + threadCpu.system) / times.length,
  }
}

/** @returns milliseconds of each */
async function run(operation: () => Promise<unknown>, durationMs: number): Promise<number[]> {
  const times: number[] = []
  const endMs = performance.now() + durationMs
  const worker = async (): Promise<void> => {
    for (let start = performance.now(); start < endMs; ) {
      await operation()
      const now = performance.now()
      times.push(now - start)
      start = now
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return times
}

function cells({ perSecond, p99, cpuUs, mainUs }: Rate): string[] {
  return [perSecond.toFixed(0), p99.toFixed(1), cpuUs.toFixed(0), mainUs.toFixed(0)]
}

function prefixed(prefix: string, names: string[]): string[] {
  return names.map((name) => (name === '/s' ? `${prefix}/s` : `${prefix} ${name}`))
}

function printTable(header: string[], rows: string[][]): void {
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  )
  for (const row of [header, ...rows]) {
    const line = row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')
    process.stdout.write(`${line}\n`)
  }
}
