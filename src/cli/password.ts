import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { BrokerError, Secret } from '../lib/index.ts'
import { readText } from './files.ts'
import { say } from './output.ts'

export interface PasswordOptions {
  /** A file whose first line is the password, `-` for standard input; without it a person is asked. */
  passwordFile?: string | undefined
  /** The option that names it; `--password-file` when absent. */
  option?: string
  /** What to ask for: `password of issuer.pfx`. */
  question: string
  /** Ask a second time, since nobody can read what was typed. */
  twice?: boolean
}

/**
 * A password from a file or from the terminal, never from an argument.
 *
 * @throws BrokerError `ERR_USAGE` when there is neither, or when both answers differ
 */
export async function readPassword(options: PasswordOptions): Promise<Secret> {
  const { passwordFile, option = '--password-file', question, twice = false } = options
  if (passwordFile !== undefined) {
    const content =
      passwordFile === '-' ? await text(process.stdin) : readText(passwordFile, option)
    return firstLine(content)
  }
  if (!process.stdin.isTTY) {
    throw new BrokerError(
      'ERR_USAGE',
      `${question}: name a file with ${option}, or run this in a terminal`,
    )
  }
  const answer = await ask(`${question}: `)
  if (twice && (await ask('once more: ')) !== answer) {
    throw new BrokerError('ERR_USAGE', `${question}: the two answers differ`)
  }
  return new Secret(answer)
}

/** A pass phrase as files hold it: an editor ends it with a line feed that nobody meant. */
export function firstLine(content: string): Secret {
  return new Secret(content.split(/\r?\n/, 1)[0] ?? '')
}

/** readline edits the line as usual, but what it would echo goes nowhere. Ctrl-C and Ctrl-D end it. */
async function ask(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  const ended = new AbortController()
  lines.once('close', () => ended.abort())
  process.stderr.write(question)
  try {
    return await lines.question('', { signal: ended.signal })
  } catch (error) {
    throw new BrokerError('ERR_USAGE', 'password: none was given', { cause: error })
  } finally {
    lines.close()
    say('')
  }
}
