import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { readText } from './files.ts'

/** Where a demo that was given no data directory says how to reach it. */
export const READY_FILE = fileURLToPath(new URL('../../var/demo.json', import.meta.url))

/** What commands take from it. */
const readyFile = z.object({
  apiUrl: z.string(),
  apiKey: z.string(),
  caFile: z.string(),
  gatewayAddress: z.string(),
  gateways: z.array(z.object({ id: z.string(), address: z.string() })).min(1),
})

/**
 * The running demo's ready file.
 *
 * @param option what the caller would rather have been given: `--api`
 * @throws BrokerError `ERR_USAGE` when no demo runs, or the file is not one
 */
export function readReadyFile(path: string, option: string): z.output<typeof readyFile> {
  let text: string
  try {
    text = readText(path, 'ready file')
  } catch (error) {
    throw new BrokerError(
      'ERR_USAGE',
      `${option}: not given, and no demo runs here: no ${path} (npm start would start one; --ready-file names another's)`,
      { cause: error },
    )
  }
  try {
    return readyFile.parse(JSON.parse(text))
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `${path}: is no ready file`, { cause: error })
  }
}
