import { closeSync, openSync, writeSync } from 'node:fs'
import type { GatewayConfig } from '../config/index.ts'
import type { WriteTrace } from '../gateway/index.ts'
import { BrokerError, fileProblem } from '../lib/index.ts'

/** About half a million packets: whoever forgets a trace shall not fill a disk. */
const MAX_TRACE_BYTES = 64 * 1024 * 1024

/**
 * A new file for the packets of one tunnel at a time, readable for its owner alone: names of clients and
 * targets are in it, tokens are not.
 *
 * @throws BrokerError `ERR_USAGE` in earnest, and when the file is there already or can't be made
 */
export function openTrace(
  path: string,
  { development }: Pick<GatewayConfig, 'development'>,
): WriteTrace {
  if (!development) {
    throw new BrokerError('ERR_USAGE', '--trace: needs `development: true` in the configuration')
  }
  let file: number | undefined = open(path)
  let leftBytes = MAX_TRACE_BYTES
  return (line) => {
    if (file === undefined) return
    leftBytes -= writeSync(file, `${line}\n`)
    if (leftBytes > 0) return
    writeSync(file, `full: ${MAX_TRACE_BYTES} bytes\n`)
    closeSync(file)
    file = undefined
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', `--trace ${path}: ${fileProblem(error)}`, { cause: error })
  }
}
