import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { examineTrust } from '../../src/cli/doctor-trust.ts'
import { renderRemembered } from '../../src/control/index.ts'
import { LAB, loadNode, writeNode } from './doctor-node.ts'
import { createBrokerFiles } from './running-broker.ts'

const NOW = Date.parse('2026-06-01T12:00:00Z')
const HOUR_MS = 3_600_000

async function ledNode() {
  const broker = await createBrokerFiles(['localhost'])
  broker.remove()
  return writeNode({ broker })
}

test('remembered trust is told with its age, and is an error past the greatest', async () => {
  const files = await ledNode()
  const { config } = loadNode(files)
  expect(examineTrust(config, NOW)).toMatchObject([
    { severity: 'warning', message: expect.stringContaining('no broker has answered') },
  ])
  const trust = { version: 3, asOf: NOW - 25 * HOUR_MS, issuers: [] }
  const text = renderRemembered({ trust, revocations: { version: 1, items: [] } })
  writeFileSync(config.control?.stateFile ?? '', text)
  expect(examineTrust(config, NOW)).toMatchObject([
    { severity: 'error', message: '0 issuers, version 3: everybody is refused' },
    {
      severity: 'error',
      message:
        '0 issuers, version 3, confirmed 25.0 h ago, of 24 h at most: everybody is refused (trust-stale)',
      fix: 'start the role, and look for control.unreachable in its log',
    },
  ])
  writeFileSync(config.control?.stateFile ?? '', '{')
  expect(examineTrust(config, NOW)).toMatchObject([
    { severity: 'error', fix: expect.stringMatching(/^remove .*state\.json/) },
  ])
})

test("a node's own issuers count within their window only", async () => {
  const { config } = loadNode(await writeNode())
  const [own] = config.trust
  if (own === undefined) throw new Error('no issuer')
  const within = (window: { notBefore?: Date; notAfter?: Date }) =>
    examineTrust({ ...config, trust: [{ ...own, ...window }] }, NOW)[0]
  expect(within({})).toMatchObject({ severity: 'ok' })
  expect(within({ notAfter: new Date(NOW - 1) })).toMatchObject({ severity: 'error' })
  expect(within({ notBefore: new Date(NOW + 1) })).toMatchObject({ severity: 'warning' })
})

test('a laboratory that is let in is worth a warning, beside whom a broker trusts', async () => {
  const { config } = loadNode(await writeNode({ more: LAB }))
  expect(examineTrust(config, NOW)).toMatchObject([
    { severity: 'ok', subject: 'trust.0' },
    {
      severity: 'warning',
      subject: 'lab',
      message: "a tester's tokens are let in towards 192.0.2.50:7007",
      fix: 'take it out when the tests are over',
    },
  ])
})
