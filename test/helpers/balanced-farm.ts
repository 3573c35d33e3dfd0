import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type FarmOptions, type FarmRun, startFarm } from './farm.ts'
import { startRenderedHaproxy } from './haproxy.ts'
import { freePort } from './ports.ts'
import type { RunningProgram } from './programs.ts'

/** A farm whose clients come through HAProxy, in mode `passthrough`; `nodes[].port` goes past it. */
export interface BalancedFarm extends FarmRun {
  /** HAProxy's. */
  port: number
  haproxy: RunningProgram
}

export async function startBalancedFarm(
  names: string[],
  options: Pick<FarmOptions, 'target' | 'logLevel'> = {},
): Promise<BalancedFarm> {
  const cleanUp = new AsyncDisposableStack()
  try {
    const scratch = await mkdtemp(join(tmpdir(), 'portcullis-balanced-'))
    cleanUp.defer(() => rm(scratch, { recursive: true, force: true }))
    const port = await freePort(1 + names.length)
    const address = `localhost:${port}`
    const nodeAddress = (index: number): string => `127.0.0.1:${port + 1 + index}`
    const farm = await startFarm(names, {
      ...options,
      address,
      listeners: (index) => [
        { address: nodeAddress(index), proxy: 'required', from: ['127.0.0.1'] },
      ],
    })
    cleanUp.defer(() => farm.stop())
    const nodes = names.map((name, index) => ({
      ...{ name, address: nodeAddress(index), proxy: 'required' },
    }))
    const caFile = join(farm.certs, 'public', 'ca.crt')
    const config = { name: 'test', address, listen: `127.0.0.1:${port}`, nodes, caFile }
    const file = join(scratch, 'farm.yaml')
    await writeFile(file, stringify(config))
    const haproxy = await startRenderedHaproxy(scratch, port, ['--config', file])
    cleanUp.defer(() => haproxy.stop())
    return { ...farm, port, haproxy, stop: () => cleanUp.disposeAsync() }
  } catch (error) {
    await cleanUp.disposeAsync()
    throw error
  }
}
