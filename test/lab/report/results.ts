import type { Row } from '../../../src/lab/bench.ts'
import { denied } from '../../../src/lab/expectation.ts'
import type { LabResult, ScenarioResult } from '../../../src/lab/run.ts'

/** One client that was refused for another reason than it should have been, and said so with odd characters. */
export const ROW: Row = {
  what: 'an <odd> & "strange" client\u0000',
  atMs: 1_700_000_000_000,
  node: 'gw1',
  connectionId: '00000000-0000-4000-8000-000000000000',
  ref: '7K3M-Q2XD',
  expected: denied('token-expired'),
  client: {
    outcome: 'refused',
    step: 'tunnel',
    code: 0x8007_59f8,
    text: 'E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED [0x800759F8]',
  },
  tookMs: 12,
  log: {
    opened: false,
    reason: 'issuer-unknown',
    lines: [
      {
        atMs: 1_700_000_000_000,
        role: 'gw1',
        level: 'warn',
        event: 'token.refused',
        fields: { reason: 'issuer-unknown', error: 'x5t#S256: <nobody> trusts it' },
      },
    ],
  },
  faults: ['log: need token-expired, has issuer-unknown'],
}

const scenario = (name: string, rest: Partial<ScenarioResult>): ScenarioResult => ({
  name,
  title: `The title of ${name}`,
  rows: [{ ...ROW, faults: [] }],
  brokerLog: [],
  durationMs: 1_500,
  ...rest,
})

export const RESULT: LabResult = {
  seed: 7,
  startMs: 1_700_000_000_000,
  scenarios: [
    scenario('times.good', {}),
    scenario('times.bad', { rows: [ROW] }),
    scenario('altered.broken', { rows: [], error: 'a session that is over: not within 10000 ms' }),
  ],
  interrupted: false,
  passed: false,
}
