import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { certs, makeFarm } from './certs-farm.ts'
import { writeFiles } from './run-command.ts'

interface Report {
  errors: number
  files: {
    file: string
    role: string
    findings: { code: string; message: string; fix: string }[]
  }[]
}

async function check(
  ...args: string[]
): Promise<{ exitCode: number; found: Record<string, string[]> }> {
  const { exitCode, stdout } = await certs('check', ...args, '--json')
  const report: Report = JSON.parse(stdout.toString())
  const faulty = report.files.filter(({ findings }) => findings.length > 0)
  return {
    exitCode,
    found: Object.fromEntries(
      faulty.map(({ file, findings }) => [
        file.split('/').slice(-2).join('/'),
        findings.map(({ code }) => code),
      ]),
    ),
  }
}

test('names each fault of a directory with its file', async () => {
  const farm = await makeFarm()
  const at = (name: string): string => join(farm, name)
  chmodSync(at('broker/issuer.key'), 0o644)
  chmodSync(at('broker/tls.crt'), 0o666)
  cpSync(at('nodes/gw1.example/tls.key'), at('nodes/gw2.example/tls.key'))
  rmSync(at('nodes/gw1.example/control.key'))
  writeFileSync(
    at('public/issuer.crt'),
    readFileSync(at('public/issuer.crt'), 'utf8').slice(0, 200),
  )
  cpSync(at('nodes/gw1.example/control.crt'), at('broker/control.crt'))
  const { exitCode, found } = await check(farm, '--name', 'gateway.example')
  expect(exitCode).toBe(1)
  expect(found).toEqual({
    'broker/issuer.crt': ['file-mode'],
    'broker/tls.crt': ['file-mode'],
    'broker/control.crt': ['key-mismatch'],
    'gw1.example/control.crt': ['key-missing'],
    'gw2.example/tls.crt': ['key-mismatch'],
    'public/issuer.crt': ['not-readable'],
  })
})

test('wants the names that clients dial in every node, and its own', async () => {
  const farm = await makeFarm()
  const { found } = await check(farm, '--name', 'vip.example')
  expect(found).toEqual({
    'gw1.example/tls.crt': ['name-missing'],
    'gw2.example/tls.crt': ['name-missing'],
  })
})

test('checks one file for the role that it is told', async () => {
  const farm = await makeFarm()
  const tls = join(farm, 'nodes/gw1.example/tls.crt')
  const ca = ['--ca', join(farm, 'public/ca.crt')]
  expect(await check(tls, '--role', 'tls', '--name', 'gateway.example', ...ca)).toEqual({
    exitCode: 0,
    found: {},
  })
  expect((await check(tls, '--role', 'publisher', ...ca)).found).toEqual({
    'gw1.example/tls.crt': ['key-unusable', 'usage-missing'],
  })
  expect((await check(tls, '--ca', join(farm, 'public/control-ca.crt'))).found).toEqual({
    'gw1.example/tls.crt': ['chain-incomplete'],
  })
})

test('says one fix under each finding, and the count on the last line', async () => {
  const farm = await makeFarm()
  chmodSync(join(farm, 'broker/issuer.key'), 0o640)
  const { stdout, stderr } = await certs('check', farm)
  const lines = stdout.toString().split('\n')
  const at = lines.findIndex((line) => line.startsWith('error'))
  expect(lines[at]).toContain('need mode 600, have 640')
  expect(lines[at + 1]).toContain('fix: chmod 600')
  expect(stderr).toContain('portcullis: certificates: 19 checked, 1 error, 0 warnings')
})

test('asks for a role when the name says none', async () => {
  const farm = await makeFarm()
  const odd = join(farm, 'odd.crt')
  cpSync(join(farm, 'broker/issuer.crt'), odd)
  const { exitCode, stderr } = await certs('check', odd)
  expect(exitCode).toBe(2)
  expect(stderr).toContain('--role: the name of')
  expect((await certs('check', join(farm, 'nothing'))).exitCode).toBe(2)
})

test('a file of authorities without any is named', async () => {
  const farm = await makeFarm()
  const { readme } = writeFiles({ readme: '# Read me\n' })
  expect(await certs('check', join(farm, 'public/ca.crt'), '--ca', readme)).toMatchObject({
    exitCode: 2,
    stderr: `portcullis: --ca ${readme}: holds no certificate\n`,
  })
})
