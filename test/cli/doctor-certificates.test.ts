import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readCertificate } from '../../src/certs/index.ts'
import { examineCertificates } from '../../src/cli/doctor-certificates.ts'
import { readText } from '../../src/cli/files.ts'
import { LAB, loadNode, writeNode } from './doctor-node.ts'

const DAY_MS = 86_400_000

async function examine(
  spoil: (files: Awaited<ReturnType<typeof writeNode>>) => void = () => {},
  days = 0,
  more = '',
) {
  const files = await writeNode({ more })
  spoil(files)
  const authorities = [readCertificate(readText(files['ca.crt'], 'ca'))]
  const found = examineCertificates(loadNode(files), {
    nowMs: Date.now() + days * DAY_MS,
    authorities,
  })
  return found.filter(({ severity }) => severity !== 'ok')
}

test('right certificates of a development node are no finding', async () => {
  expect(await examine()).toEqual([])
})

test('expiry is told ahead, and then is an error', async () => {
  expect(await examine(() => {}, 40)).toContainEqual(
    expect.objectContaining({ severity: 'warning', subject: 'tls.certificateFile' }),
  )
  expect(await examine(() => {}, 90)).toContainEqual(
    expect.objectContaining({
      severity: 'error',
      subject: 'tls.certificateFile',
      message: expect.stringContaining('expired on'),
      fix: 'make its successor now: certs issue --role tls',
    }),
  )
})

test("a laboratory's issuer ends as any other", async () => {
  expect(await examine(() => {}, 90, LAB)).toContainEqual(
    expect.objectContaining({
      severity: 'error',
      subject: 'lab.issuer.certificateFile',
      message: expect.stringContaining('expired on'),
    }),
  )
})

test('missing files and open ones are named with what to do', async () => {
  const spoilt = await examine((files) => {
    rmSync(files['tls.key'])
    chmodSync(files['tls.crt'], 0o666)
    rmSync(files['issuer.crt'])
  })
  expect(spoilt).toMatchObject([
    { subject: 'tls.certificateFile', fix: expect.stringContaining('chmod go-w') },
    { subject: 'tls.privateKeyFile', message: expect.stringContaining('no such file') },
    { subject: 'trust.0.certificateFile', message: expect.stringContaining('no such file') },
  ])
})

test('an authority that is broken is told once, under its own setting', async () => {
  const agents =
    'agents: { tls: { certificateFile: control.crt, privateKeyFile: control.key }, caFile: control-ca.crt }'
  expect(await examine(() => {}, 0, agents)).toEqual([])
  const found = await examine((files) => writeFileSync(files['control-ca.crt'], 'x'), 0, agents)
  expect(found).toMatchObject([{ severity: 'error', subject: 'agents.caFile' }])
})
