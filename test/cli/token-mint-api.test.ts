import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { register } from '../../src/cli/token.ts'
import { inspectToken } from '../../src/tokens/index.ts'
import { useBroker } from './use-broker.ts'

const times = z.object({ iat: z.int(), exp: z.int() })
const broker = useBroker()

function mint(...args: string[]) {
  return broker.run(register, ['token', 'mint', ...args])
}

test('without an issuer key the broker mints', async () => {
  const out = join(broker.files.directory, 'token.txt')
  const { exitCode, stdout, stderr } = await mint('--vm', 'web', '--ttl', '90s', '--out', out)
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${out}\n` })
  expect(stderr).toMatch(/^portcullis: reference [\w-]{9}, to be presented until 2\S+Z\n$/)
  expect(statSync(out).mode & 0o777).toBe(0o600)
  const { claims } = inspectToken(readFileSync(out, 'utf8').trim())
  expect(claims).toMatchObject({ vm: 'web', knd: 'rdp', dst: '192.0.2.10:3389' })
  const { iat, exp } = times.parse(claims)
  expect(exp - iat).toBe(90)
})

test('what the request says reaches the token', async () => {
  const { stdout } = await mint('--vm', 'web', '--user', 'ann', '--client-address', '192.0.2.7')
  const { claims } = inspectToken(stdout.trim())
  expect(claims).toMatchObject({ sub: 'ann', cip: '192.0.2.7' })
})

test('a refusal of the broker is one of the command', async () => {
  const { exitCode, stderr } = await mint('--vm', 'none')
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^portcullis: vm-unknown: /)
})

test.each([
  [[], '--vm: needed; or --issuer-key, to mint without a broker'],
  [['--vm', 'web', '--audience', 'demo'], '--audience: goes with --issuer-key only'],
  [['--vm', 'web', '--expired'], '--expired: goes with --issuer-key only'],
  [['--vm', 'web', '--format', 'host'], '--format host: goes with --issuer-key only'],
  [['--issuer-key', 'x'], '--issuer-certificate: missing, key and certificate go together'],
  [['--issuer-certificate', 'x'], '--issuer-key: missing, key and certificate go together'],
])('%j is refused', async (args, says) => {
  const { exitCode, stderr } = await mint(...args)
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `portcullis: ${says}\n` })
})
