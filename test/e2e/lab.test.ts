import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLabRoles } from '../../src/cli/lab-roles.ts'
import type * as Admission from '../../src/gateway/admission.ts'
import { hasPassed, type LabResult, runLab, SCENARIOS } from '../../src/lab/index.ts'
import type { GatewayClaims } from '../../src/tokens/index.ts'
import { ENTRY } from '../helpers/demo.ts'

/** A node whose admission has been patched: it takes whatever comes for a good token. */
vi.mock('../../src/gateway/admission.ts', async (): Promise<typeof Admission> => {
  const { splitToken } = await import('../../src/lab/forge.ts')
  const { decodeTunnelCreate } = await import('../../src/protocol/index.ts')
  /** For cookies that say nothing; a good one comes first in every run. */
  let claims: GatewayClaims
  return {
    async admit(tunnel, body) {
      try {
        const { paaCookie } = decodeTunnelCreate(body)
        if (paaCookie !== undefined) claims = splitToken(paaCookie).claims
      } catch {
        // Let in all the same.
      }
      tunnel.log.info('token.redeemed')
      return { claims, capsFlags: 0, sessionAgeSeconds: 0 }
    },
  }
})

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-lab-test-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('the laboratory is green against the real parts, and says so in all its forms', () => {
  const [junit, report] = [join(directory, 'lab.xml'), join(directory, 'lab.html')]
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [ENTRY, 'lab', 'expiry', '--json', '--junit', junit, '--report', report],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 100_000 },
  )
  expect(stderr).toMatch(/, 0 not as expected\n$/)
  expect(status).toBe(0)
  const result: LabResult = JSON.parse(stdout)
  expect(result.scenarios.map(({ name }) => name)).toEqual(SCENARIOS.map(({ name }) => name))
  expect(readFileSync(junit, 'utf8')).toContain(
    `tests="${SCENARIOS.length}" failures="0" errors="0"`,
  )
  const page = readFileSync(report, 'utf8')
  for (const { title } of SCENARIOS) expect(page).toContain(title.replaceAll("'", '&#39;'))
  // No token is anywhere in them: each begins with the same bytes of its header.
  for (const text of [stdout, page, readFileSync(junit, 'utf8')]) expect(text).not.toContain('eyJ')
})

/** They wait for ends that never come from such a node; the rest is quick. */
const SLOW = ['endings.revoked', 'endings.killed', 'broker-away.conflict']
/** Here the gateway token is good, and something else decides: target, host, host agent. */
const NOT_ABOUT_ADMISSION = [
  'times.valid',
  'times.last-second',
  'times.within-leeway',
  'reconnect.inside-window',
  'targets.right-vm',
  'targets.wrong-vm',
  'targets.wrong-target',
  'targets.not-allowed',
  'targets.unreachable',
  'agent.valid',
  'agent.times',
  'agent.other-machine',
  'agent.signature',
  'agent.stolen',
  'agent.revoked',
  'broker-away.silent',
]

test('the laboratory is red against nodes that are patched to accept everything', async () => {
  const { passed, scenarios } = await runLab({
    roles: createLabRoles(directory),
    startMs: Date.now(),
    seed: 1,
    scenarios: SCENARIOS.filter(({ name }) => !SLOW.includes(name)),
  })
  expect(passed).toBe(false)
  expect(scenarios.filter(hasPassed).map(({ name }) => name)).toEqual(NOT_ABOUT_ADMISSION)
  // Red where a token should have been refused, each time, since the client was let in.
  const refusals = scenarios
    .flatMap(({ rows }) => rows)
    .filter(({ expected }) => expected.outcome === 'refused' && expected.step === 'tunnel')
  expect(refusals.length).toBeGreaterThan(80)
  expect(refusals.filter(({ client }) => client.step === 'tunnel')).toEqual([])
  expect(refusals.filter(({ faults }) => faults.length === 0)).toEqual([])
})
