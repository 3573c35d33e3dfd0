import { writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { createDevelopmentCertificates } from '../../src/certs/index.ts'
import { examineClock } from '../../src/cli/doctor-clock.ts'
import { loadNode, writeNode } from './doctor-node.ts'
import { createBrokerFiles, start } from './running-broker.ts'

async function nodeOfBroker() {
  const broker = await createBrokerFiles(['localhost'])
  onTestFinished(broker.remove)
  const running = await start(broker.config)
  onTestFinished(() => running.close())
  return writeNode({ broker, port: running.controlAddress?.port ?? 0 })
}

test('a clock that is off by more than the leeway is an error, by less a warning', async () => {
  const { config } = loadNode(await nodeOfBroker())
  const off = (seconds: number) => examineClock(config, { now: () => Date.now() + seconds * 1000 })
  expect(await off(0)).toMatchObject([{ severity: 'ok' }])
  expect(await off(4)).toMatchObject([{ severity: 'warning' }])
  expect(await off(-60)).toMatchObject([
    {
      severity: 'error',
      message: expect.stringMatching(/^(58|59|60|61)\.\d s behind the broker's; 5 are forgiven$/),
      fix: 'let both keep time by NTP: timedatectl set-ntp true',
    },
  ])
})

test('a certificate of another authority is an error of the channel, not a missing broker', async () => {
  const files = await nodeOfBroker()
  const foreign = await createDevelopmentCertificates({
    farmName: 'demo',
    names: [],
    gateways: [],
    now: new Date(),
  })
  writeFileSync(files['control-ca.crt'], foreign.controlAuthority.certificatePem)
  expect(await examineClock(loadNode(files).config, { now: Date.now })).toMatchObject([
    { severity: 'error', fix: expect.stringContaining('control.caFile of both ends') },
  ])
})
