import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { register } from '../../src/cli/lab.ts'
import { createLabIssuer } from '../helpers/lab-issuer.ts'
import { freePort } from '../helpers/ports.ts'
import { startTarget } from '../helpers/scripted-target.ts'
import { runCommand, writeFiles } from './run-command.ts'

const expiry = (...args: string[]) => runCommand(register, ['lab', 'expiry', ...args])

/** Options for a node that nobody runs. */
async function towardsNobody(key?: 'ec-p384'): Promise<string[]> {
  const issuer = await createLabIssuer(key)
  const files = writeFiles({ crt: issuer.certificatePem, key: issuer.privateKeyPem })
  return [
    ...['--gateway', `127.0.0.1:${await freePort()}`, '--audience', 'example'],
    ...['--issuer-certificate', files.crt, '--issuer-key', files.key],
    ...['--echo-host', '127.0.0.1:7007'],
  ]
}

test('names what is missing for a farm that is running, and what means nothing without one', async () => {
  expect(await expiry('--gateway', 'gw1.example:443', '--audience', 'example')).toMatchObject({
    exitCode: 2,
    stderr: 'portcullis: --gateway: needs --issuer-certificate, --issuer-key, --echo-host\n',
  })
  expect(await expiry('--second-address', '192.0.2.1')).toMatchObject({
    exitCode: 2,
    stderr: 'portcullis: --second-address: needs --gateway\n',
  })
})

test('a gateway that is not there is no answer, and walks nothing; the reports say so', async () => {
  const { directory } = writeFiles({})
  const [junit, report] = [join(directory, 'lab.xml'), join(directory, 'lab.html')]
  const { exitCode, stderr, stdout } = await expiry(
    ...(await towardsNobody()),
    ...['--junit', junit, '--report', report],
  )
  expect(stderr).toMatch(/portcullis: connect: .*ECONNREFUSED/)
  expect(exitCode).toBe(3)
  expect(stdout).toHaveLength(0)
  expect(readFileSync(junit, 'utf8')).toMatch(/ errors="1" skipped="\d{2}"/)
  for (const path of [junit, report]) expect(readFileSync(path, 'utf8')).toContain('ECONNREFUSED')
})

test('Ctrl-C ends the process at once, and says that it was not the end', async () => {
  const exited = Promise.withResolvers<unknown>()
  const exit = vi.spyOn(process, 'exit').mockImplementation((): never => {
    exited.resolve(process.exitCode)
    return undefined as never
  })
  onTestFinished(() => exit.mockRestore())
  // Accepts, and says nothing.
  const node = await startTarget()
  onTestFinished(() => node.close())
  void node.next().then(() => process.listeners('SIGINT').at(-1)?.('SIGINT'))
  const options = await towardsNobody()
  options[1] = `127.0.0.1:${node.port}`
  const { exitCode, stderr } = await expiry(...options)
  expect(stderr).toContain('portcullis: interrupted before its end\n')
  expect(exitCode).toBe(1)
  await exited.promise
})

test('what can not be written or come from is said before anything is walked', async () => {
  const { directory } = writeFiles({})
  const missing = join(directory, 'nowhere', 'lab.html')
  const wrong = [
    ['--report', missing, 'there is no such file or directory'],
    ['--junit', directory, 'it is a directory'],
    ['--node-log', missing, 'there is no such file or directory'],
    ['--second-address', '203.0.113.9', 'this machine has no such address'],
    ['--second-address', 'gw1.example', 'need a literal address'],
  ] as const
  const towards = await towardsNobody()
  for (const [option, value, problem] of wrong) {
    const { exitCode, stderr } = await expiry(...towards, option, value)
    expect(stderr).toContain(`portcullis: ${option} ${value}: ${problem}\n`)
    expect(exitCode).toBe(2)
  }
})

test('a node may forgive nothing', async () => {
  expect(await expiry('--leeway', '0s')).toMatchObject({
    stderr: 'portcullis: --leeway: needs --gateway\n',
  })
})

test('an issuer that the scenarios are not made for is a wrong option', async () => {
  const { exitCode, stderr } = await expiry(...(await towardsNobody('ec-p384')))
  expect(stderr).toContain('issuer: need an EC P-256 key, as `certs issue` makes it, have ES384')
  expect(exitCode).toBe(2)
})
