import type { Command } from 'commander'
import { BrokerError, Secret } from '../lib/index.ts'
import type { ApiAccess } from './api-client.ts'
import { readAuthoritiesPem, readSecretText, readText } from './files.ts'
import { READY_FILE, readReadyFile } from './ready-file.ts'

/** Options of every command that talks to the API. */
export interface ApiOptions {
  api?: string
  keyFile?: string
  ca?: string
  readyFile?: string
}

export function addApiOptions(command: Command): Command {
  return command
    .option('--api <url>', 'origin of the API (PORTCULLIS_API; default: the running demo)')
    .option(
      '--key-file <file>',
      'file with the API key, - for standard input (PORTCULLIS_KEY_FILE)',
    )
    .option('--ca <file>', "authority to trust, PEM (PORTCULLIS_CA; default: the system's)")
    .option('--ready-file <file>', 'ready file of a demo with another data directory')
}

/**
 * Which API to talk to: options, then environment, then the demo's ready file for what neither says.
 * The ready file counts only when no address is given: the demo's key is for the demo. One that is named is an
 * option, and the environment doesn't count.
 *
 * @throws BrokerError `ERR_USAGE` naming what is missing
 */
export async function findApi(
  options: ApiOptions,
  environment: NodeJS.ProcessEnv = process.env,
  readyFilePath = READY_FILE,
): Promise<ApiAccess> {
  const variables = options.readyFile === undefined ? environment : {}
  const api = options.api ?? variables.PORTCULLIS_API
  const keyFile = options.keyFile ?? variables.PORTCULLIS_KEY_FILE
  const caFile = options.ca ?? variables.PORTCULLIS_CA
  const ca = caFile === undefined ? undefined : readAuthoritiesPem(caFile)
  if (api === undefined) {
    const demo = readReadyFile(options.readyFile ?? readyFilePath, '--api')
    const key = keyFile === undefined ? demo.apiKey : await readKey(keyFile)
    return {
      url: parseOrigin(demo.apiUrl),
      key: new Secret(key),
      ca: ca ?? readText(demo.caFile, "the demo's authority"),
    }
  }
  if (keyFile === undefined) {
    throw new BrokerError('ERR_USAGE', '--key-file: needed with --api (or PORTCULLIS_KEY_FILE)')
  }
  const key = new Secret(await readKey(keyFile))
  return { url: parseOrigin(api), key, ...(ca === undefined ? {} : { ca }) }
}

/** What is no key might be any other secret, and goes to nobody. */
async function readKey(keyFile: string): Promise<string> {
  const text = await readSecretText(keyFile, '--key-file')
  if (/^pck_[a-z0-9]+_[\w-]+$/.test(text)) return text
  throw new BrokerError('ERR_USAGE', `--key-file ${keyFile}: holds no API key`)
}

/** A key is never sent in the clear. */
function parseOrigin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.username === '' && url.password === '') return url
  throw new BrokerError('ERR_USAGE', '--api: need https://name:port, without a user')
}
