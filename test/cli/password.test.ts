import { expect, test } from 'vitest'
import { readPassword } from '../../src/cli/password.ts'
import { writeFiles } from './run-command.ts'

const question = 'password of issuer.pfx'

test('takes the first line of the file as it stands, and never prints it', async () => {
  const { file, windows, empty } = writeFiles({
    file: ' two words \nsecond line\n',
    windows: 'pässwörd\r\n',
    empty: '',
  })
  const password = await readPassword({ passwordFile: file, question })
  expect(password.reveal()).toBe(' two words ')
  expect(String(password)).toBe('[secret]')
  expect((await readPassword({ passwordFile: windows, question })).reveal()).toBe('pässwörd')
  expect((await readPassword({ passwordFile: empty, question })).reveal()).toBe('')
})

test('says how to give one when there is neither file nor terminal', async () => {
  await expect(readPassword({ question })).rejects.toThrow(
    'password of issuer.pfx: name a file with --password-file, or run this in a terminal',
  )
  await expect(readPassword({ passwordFile: '/nowhere', question })).rejects.toThrow(
    '--password-file',
  )
})
