import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KeyPair } from '../../src/certs/index.ts'
import { type LabResult, SCENARIOS, verdictOf } from '../../src/lab/index.ts'
import type { Reason } from '../../src/lib/index.ts'
import { ENTRY } from '../helpers/demo.ts'
import { type EchoHost, startEchoHost } from '../helpers/echo-host.ts'
import { createLabIssuer } from '../helpers/lab-issuer.ts'
import { type NodeProcess, startNodeProcess } from '../helpers/node-process.ts'
import { startProgram } from '../helpers/programs.ts'
import { type RedeemFarm, startRedeemFarm } from '../helpers/redeem-farm.ts'

/** A farm in service: a broker, one node whose own file lists the laboratory, and one whose file doesn't. */
let directory: string
let farm: RedeemFarm
let echo: EchoHost
/** Where users may go, and the laboratory may not. */
let host: EchoHost
let issuer: KeyPair
let open: NodeProcess
let closed: NodeProcess

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-lab-farm-'))
  issuer = await createLabIssuer()
  writeFileSync(file('lab.crt'), issuer.certificatePem)
  writeFileSync(file('lab.key'), issuer.privateKeyPem, { mode: 0o600 })
  ;[farm, echo, host] = await Promise.all([
    startRedeemFarm(['gw1', 'gw2']),
    startEchoHost(),
    startEchoHost(),
  ])
  writeFileSync(file('ca.crt'), farm.ca)
  const allow = [{ cidr: '127.0.0.1', ports: [host.port] }]
  const lab = { certificatePem: issuer.certificatePem, echoHost: `127.0.0.1:${echo.port}` }
  ;[open, closed] = await Promise.all([
    startNodeProcess({ farm, name: 'gw1', allow, lab }),
    startNodeProcess({ farm, name: 'gw2', allow }),
  ])
  for (const node of [open, closed]) {
    writeFileSync(logOf(node), '')
    node.program.child.stdout?.on('data', (bytes) => appendFileSync(logOf(node), bytes))
  }
})

afterAll(async () => {
  await Promise.all([open?.stop(), closed?.stop()])
  await farm?.close()
  echo?.stop()
  host?.stop()
  rmSync(directory, { recursive: true, force: true })
})

function file(name: string): string {
  return join(directory, name)
}

function logOf({ port }: NodeProcess): string {
  return file(`${port}.log`)
}

interface Run {
  code: number | NodeJS.Signals
  result: LabResult
  talk: string
}

/** The command as a tester types it. */
async function walk(node: NodeProcess, target: EchoHost, ...more: string[]): Promise<Run> {
  const program = startProgram(process.execPath, [
    ...[ENTRY, 'lab', 'expiry', '--json', '--gateway', `127.0.0.1:${node.port}`],
    ...['--ca', file('ca.crt'), '--audience', 'demo', '--echo-host', `127.0.0.1:${target.port}`],
    ...['--issuer-certificate', file('lab.crt'), '--issuer-key', file('lab.key')],
    ...more,
  ])
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    program.child[stream]?.on('data', (text) => {
      said[stream] += text
    })
  }
  const code = await program.ended
  return { code, result: JSON.parse(said.stdout), talk: said.stderr }
}

/** What the node's log said of each client, by scenario. */
function reasonsOf({ scenarios }: LabResult, name: string): (string | undefined)[] {
  const scenario = scenarios.find((candidate) => candidate.name === name)
  return scenario?.rows.map(({ log }) => log?.reason) ?? []
}

const REFUSED: Reason = 'target-not-allowed'

test('a farm in service is walked in real time, and its broker notices nothing', async () => {
  const [junit, report] = [file('lab.xml'), file('lab.html')]
  const { code, result, talk } = await walk(
    open,
    echo,
    ...['--node-log', logOf(open), '--junit', junit, '--report', report],
  )
  expect(talk).toMatch(/, 0 not as expected\n$/)
  expect(code).toBe(0)
  expect(result.scenarios.map(({ name }) => name)).toEqual(SCENARIOS.map(({ name }) => name))
  const verdicts = Object.groupBy(result.scenarios, verdictOf)
  expect(verdicts.ok?.length).toBeGreaterThan(25)
  for (const { skipped } of verdicts.skip ?? []) expect(skipped).toMatch(/^needs |^waits /)
  // Nothing is green for want of a log.
  for (const { log } of result.scenarios.flatMap(({ rows }) => rows)) {
    expect(log?.lines.length).toBeGreaterThan(0)
  }
  expect(reasonsOf(result, 'targets.not-allowed')).toEqual([REFUSED, REFUSED, REFUSED])
  expect(readFileSync(junit, 'utf8')).toContain('<skipped message="needs a host agent')
  for (const path of [junit, report]) expect(readFileSync(path, 'utf8')).not.toContain('eyJ')
  expect(await farm.sessions()).toEqual([])
  const figures = await open.scrape()
  expect(figures.get('tunnels_opened_total{transport="websocket"}')).toBe(0)
  expect(figures.get('lab_tunnels_opened_total{transport="websocket"}')).toBeGreaterThan(20)
})

test('a node whose file lists no laboratory, or another host: nothing is walked, and all say why', async () => {
  const report = file('red.html')
  const [unknown, elsewhere] = await Promise.all([
    walk(closed, echo, '--node-log', logOf(closed), '--report', report),
    walk(open, host, '--node-log', logOf(open)),
  ])
  const saw = 'in its log issuer-unknown): does its gateway.yaml have this certificate'
  expect(unknown.talk).toContain(saw)
  expect(readFileSync(report, 'utf8')).toContain(saw)
  expect(elsewhere.talk).toContain(`in its log ${REFUSED}): is --echo-host its lab.echoHost`)
  for (const { code, result } of [unknown, elsewhere]) {
    expect(code).toBe(1)
    expect(result.passed).toBe(false)
    expect(result.scenarios.flatMap(({ rows }) => rows)).toEqual([])
  }
})
