import { chmodSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { register } from '../../src/cli/doctor.ts'
import { keyLine, writeNode } from './doctor-node.ts'
import { runCommand, writeFiles } from './run-command.ts'
import { createBrokerFiles, start } from './running-broker.ts'

const doctor = (...args: string[]) => runCommand(register, ['doctor', ...args])

test('a machine on which all is right exits with 0, and every area was looked at', async () => {
  const broker = await createBrokerFiles(['localhost'])
  onTestFinished(broker.remove)
  const running = await start(broker.config)
  onTestFinished(() => running.close())
  const port = running.controlAddress?.port ?? 0
  const files = await writeNode({ broker, port })
  const command = ['--config', files['gateway.yaml'], '--ca', files['ca.crt']]
  const { stdout, stderr, exitCode } = await doctor(...command)
  const text = stdout.toString()
  expect(text).not.toMatch(/^(error|no-answer)/m)
  for (const area of 'versions configuration certificates files trust ports clock'.split(' ')) {
    expect(text).toMatch(new RegExp(`^(ok|warning) +${area} `, 'm'))
  }
  expect(text).toContain("within a second or so of the broker's")
  expect(stderr).toMatch(/^0 errors, /)
  expect(exitCode).toBe(0)

  await running.close()
  const away = await doctor(...command)
  expect(away.stdout.toString()).toMatch(/^no-answer clock .*\n +fix: start the broker, or let/m)
  expect(away.exitCode).toBe(3)
})

test('each finding has its fix; errors exit with 1; keys are never printed', async () => {
  const files = await writeNode()
  chmodSync(files['tls.key'], 0o644)
  const { stdout, stderr, exitCode } = await doctor('--config', files['gateway.yaml'], '--json')
  const report = JSON.parse(stdout.toString())
  expect(report).toMatchObject({ errors: 1, noAnswers: 0 })
  const found = report.files[0].findings
  expect(found).toContainEqual({
    area: 'files',
    severity: 'error',
    subject: 'tls.privateKeyFile',
    message: expect.stringContaining('need mode 600, have 644'),
    fix: `chmod 600 ${files['tls.key']}`,
  })
  for (const { severity, fix } of found) expect(fix === undefined).toBe(severity === 'ok')
  expect(stdout.toString()).not.toContain(keyLine(files['tls.key']))
  expect(stderr).toBe('portcullis: doctor: 1 error, 2 warnings\n')
  expect(exitCode).toBe(1)
})

test('faults of the values come with the command that explains them', async () => {
  const files = await writeNode({ more: 'leewaySeconds: 31' })
  const { stdout, exitCode } = await doctor('--config', files['gateway.yaml'])
  expect(stdout.toString()).toMatch(
    /^error +configuration +leewaySeconds: have 31; .*\n +fix: portcullis config explain leewaySeconds --config /m,
  )
  expect(exitCode).toBe(1)
})

test('a setting that is unknown comes with the command that explains the nearest, or lists all', async () => {
  const files = await writeNode({ more: 'taget: {}\nwhatever: 1' })
  const { stdout } = await doctor('--config', files['gateway.yaml'])
  const text = stdout.toString()
  expect(text).toContain('taget: unknown setting; did you mean targets?')
  expect(text).toContain('fix: portcullis config explain targets --config ')
  expect(text).toContain('fix: look for it in: portcullis config schema gateway\n')
})

test('a file that is missing is a usage error, one that is no configuration a finding', async () => {
  expect((await doctor('--config', '/nonexistent.yaml')).exitCode).toBe(2)
  const { 'a.yaml': file } = writeFiles({ 'a.yaml': 'a: [' })
  const { stdout, exitCode } = await doctor('--config', file)
  expect(stdout.toString()).toContain('is no YAML')
  expect(exitCode).toBe(1)
})
