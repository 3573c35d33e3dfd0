import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readKeyFile } from '../../src/cli/key-file.ts'
import { readPair } from '../../src/cli/role-files.ts'
import { register as registerToken } from '../../src/cli/token.ts'
import { certs, makeFarm, workDirectory } from './certs-farm.ts'
import { runCommand, writeFiles } from './run-command.ts'

const PASS_PHRASE = 'correct horse'

/** The issuer of a farm, its key encrypted, with the file of the pass phrase. */
async function encryptedIssuer() {
  const from = join(await makeFarm(), 'broker/issuer')
  const plain = readFileSync(`${from}.key`, 'utf8')
  const cipher = { cipher: 'aes-256-cbc', passphrase: PASS_PHRASE } as const
  const encrypted = createPrivateKey(plain).export({ type: 'pkcs8', format: 'pem', ...cipher })
  const files = writeFiles({
    'issuer.crt': readFileSync(`${from}.crt`, 'utf8'),
    'issuer.key': encrypted,
    'pass.txt': `${PASS_PHRASE}\n`,
    'wrong.txt': 'correct horses\n',
  })
  return { files, plain }
}

test('a command takes the pass phrase from a file, and says how to give one', async () => {
  const { files, plain } = await encryptedIssuer()
  const key = files['issuer.key']
  expect(await readKeyFile(key, '--issuer-key', files['pass.txt'])).toBe(plain)
  await expect(readKeyFile(key, '--issuer-key', files['wrong.txt'])).rejects.toThrow(
    `--issuer-key ${key}: wrong pass phrase`,
  )
  await expect(readKeyFile(key, '--issuer-key', undefined)).rejects.toThrow(
    `pass phrase of ${key}: name a file with --key-password-file, or run this in a terminal`,
  )
})

test('a role takes it from the file that its configuration names, and says how to', async () => {
  const { files, plain } = await encryptedIssuer()
  const pair = { certificateFile: files['issuer.crt'], privateKeyFile: files['issuer.key'] }
  const { privateKeyPem } = readPair({ ...pair, passPhraseFile: files['pass.txt'] }, 'issuer')
  expect(privateKeyPem).toBe(plain)
  expect(() => readPair({ ...pair, passPhraseFile: files['wrong.txt'] }, 'issuer')).toThrow(
    `issuer.privateKeyFile ${files['issuer.key']}: wrong pass phrase`,
  )
  expect(() => readPair(pair, 'issuer')).toThrow(
    'is encrypted; name the file of its pass phrase in issuer.passPhraseFile',
  )
})

test('an encrypted issuer key mints, is exported and is checked', async () => {
  const { files } = await encryptedIssuer()
  const passPhrase = ['--key-password-file', files['pass.txt']]
  const issuer = ['--issuer-key', files['issuer.key'], '--issuer-certificate', files['issuer.crt']]
  const claims = '--audience demo --tenant acme --user ann --vm web --kind rdp --target 192.0.2.1:1'
  const minted = await runCommand(registerToken, [
    ...['token', 'mint', ...issuer, ...passPhrase, ...claims.split(' ')],
  ])
  expect(minted).toMatchObject({ exitCode: 0, stderr: '' })
  expect(minted.stdout.toString()).toMatch(/^ey/)

  const pfx = join(workDirectory(), 'issuer.pfx')
  const exported = await certs(
    ...['export', files['issuer.crt'], '--out', pfx, ...passPhrase],
    ...['--password-file', files['pass.txt']],
  )
  expect(exported).toMatchObject({ exitCode: 0, stderr: '' })

  const unopened = await certs('check', files['issuer.crt'], '--role', 'issuer')
  expect(unopened.stdout.toString()).toContain('issuer.key: encrypted')
  const checked = await certs('check', files['issuer.crt'], '--role', 'issuer', ...passPhrase)
  expect(checked.stdout.toString()).not.toMatch(/encrypted|does not belong/)
  const wrong = ['--key-password-file', files['wrong.txt']]
  const refused = await certs('check', files['issuer.crt'], '--role', 'issuer', ...wrong)
  expect(refused.stdout.toString()).toContain('wrong pass phrase')
})
