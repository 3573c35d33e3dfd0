import { expect, test } from 'vitest'
import { register } from '../../src/cli/rdp.ts'
import { signRdpFile } from '../../src/rdpfile/index.ts'
import { createSigning, fileOf, textOf, unsignedFile } from '../rdpfile/signing.ts'
import { runCommand, writeFiles } from './run-command.ts'

const lint = (...args: string[]) => runCommand(register, ['rdp', 'lint', ...args])

test('has nothing to say of a signed file of ours', async () => {
  const { publisher } = await createSigning(Date.now())
  const { file } = writeFiles({ file: await signRdpFile(unsignedFile(), publisher) })
  const { stdout, stderr, exitCode } = await lint(file)
  expect(stdout.toString()).toBe('')
  expect(stderr).toBe('0 errors, 0 warnings\n')
  expect(exitCode).toBe(0)
})

test('names each finding with its fix, and ends with 1 for an error', async () => {
  const text = textOf(unsignedFile()).replace('redirectdrives:i:0', 'redirectdrives:i:1')
  const { file } = writeFiles({ file: fileOf(text) })
  const { stdout, stderr, exitCode } = await lint(file)
  expect(stdout.toString()).toBe(
    [
      'warning  redirectdrives: need 0, have 1; clients warn of it, and a console needs none',
      '         fix: write redirectdrives:i:0',
      'error    the file is not signed',
      '         fix: name a publisher in the configuration of the broker, or sign it with rdpsign',
      '',
    ].join('\n'),
  )
  expect(stderr).toBe(`portcullis: ${file}: 1 error, 1 warning\n`)
  expect(exitCode).toBe(1)
})

test('gives scripts the findings as JSON', async () => {
  const { file } = writeFiles({ file: unsignedFile() })
  const { stdout, exitCode } = await lint(file, '--json')
  expect(JSON.parse(stdout.toString())).toMatchObject({
    file,
    errors: 1,
    warnings: 0,
    findings: [{ code: 'signature-missing', severity: 'error' }],
  })
  expect(exitCode).toBe(1)
})
