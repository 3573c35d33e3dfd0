import type { Command } from 'commander'
import { z } from 'zod'
import { BrokerError } from '../lib/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { ApiRefusal, callApi } from './api-client.ts'
import { say } from './output.ts'

/** The records of one noun: what becomes of those of before, and how to find what is in the way. */
export interface Removable {
  noun: 'tenant' | 'host' | 'vm' | 'user'
  description: string
  example: string
  /** Commands that list what still belongs to it; absent where nothing can. */
  holders?: (id: string) => string
}

/** `remove` for a noun of the inventory: one record, and nothing else with it. */
export function registerRemove(parent: Command, { noun, ...removable }: Removable): void {
  addApiOptions(
    parent
      .command('remove')
      .description(removable.description)
      .argument(`<${noun}>`, 'its id')
      .addHelpText('after', `\nExample:\n  portcullis ${noun} remove ${removable.example}`),
  ).action(async (id: string, options: ApiOptions) => {
    const path = `/v1/${noun}s/${encodeURIComponent(id)}`
    try {
      await callApi(await findApi(options), 'DELETE', path, { answer: z.undefined() })
    } catch (error) {
      throw explained(error, removable.holders?.(id))
    }
    say(`portcullis: ${noun} ${id} is gone`)
  })
}

function explained(error: unknown, holders: string | undefined): unknown {
  const isHeld = error instanceof ApiRefusal && error.problem === 'conflict'
  if (!isHeld || holders === undefined) return error
  return new BrokerError(error.code, `${error.message}; see ${holders}`, { cause: error })
}
