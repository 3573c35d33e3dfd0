import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { parseDuration } from './duration.ts'
import { print, printJson, say } from './output.ts'
import { writePrivately } from './private-file.ts'

interface Options extends ApiOptions {
  out?: string
  ttl?: number
  json?: boolean
}

/** What is used of the answer; the token is inside the file, and nowhere else. */
const openedConsole = z.object({
  id: z.string(),
  ref: z.string(),
  vm: z.string(),
  expiresAt: z.string(),
  gatewayAddress: z.string(),
  fileName: z.string(),
  rdp: z.base64(),
})

export function register(program: Command): void {
  const group = program.command('console').description('consoles of machines')
  const open = group
    .command('open')
    .description('get an .rdp file for one machine, and print its path')
    .argument('<vm>', 'id of the machine')
    .option('--out <file>', "where to write it (default: the broker's name for it, here)")
    .option('--ttl <time>', 'how long it may be opened, for example 60s or 5m', parseDuration)
    .option('--json', 'print what was minted, and the path, as JSON')
    .addHelpText('after', '\nExample:\n  xfreerdp "$(portcullis console open vm-alpha)"')
  addApiOptions(open).action(openConsole)
}

async function openConsole(vm: string, options: Options): Promise<void> {
  if (options.out === '-') {
    throw new BrokerError('ERR_USAGE', '--out -: need a file name, standard output gets its path')
  }
  const access = await findApi(options)
  const { rdp, ...minted } = await callApi(access, 'POST', '/v1/consoles', {
    body: { vm, ...(options.ttl === undefined ? {} : { ttlSeconds: options.ttl }) },
    answer: openedConsole,
  })
  // The name comes from elsewhere: only its last part may say where to write.
  const file = resolve(options.out ?? basename(minted.fileName))
  writePrivately(file, Buffer.from(rdp, 'base64'), '--out')
  if (options.json) {
    printJson({ ...minted, file })
    return
  }
  say(`portcullis: reference ${minted.ref}, to be opened until ${minted.expiresAt}`)
  print(file)
}
