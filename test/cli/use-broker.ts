import type { Command } from 'commander'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { identifyPeer } from '../../src/cli/control-peer.ts'
import {
  type ControlClient,
  type ControlHandlers,
  createControlClient,
} from '../../src/control/index.ts'
import { silentLog, systemClock } from '../../src/lib/index.ts'
import { IDLE_HANDLERS } from '../helpers/idle-handlers.ts'
import { type Outcome, runCommand } from './run-command.ts'
import { apiAccess, type BrokerFiles, createBrokerFiles, start } from './running-broker.ts'

/** A broker, there while tests and the hooks that follow run. */
export interface UsedBroker {
  readonly files: BrokerFiles
  readonly address: RunningBroker['address']
  /** Options of a command that asks its API. */
  readonly access: string[]
  /** A command line that asks it. */
  run(register: (program: Command) => void, args: string[]): Promise<TextOutcome>
  /** A node's end of its control channel, not started; it does nothing but what the handlers do. */
  createNode(name: string, handlers: Partial<ControlHandlers>): ControlClient
}

export interface TextOutcome extends Omit<Outcome, 'stdout'> {
  stdout: string
}

/**
 * Starts a broker before the tests of a file and stops it after them.
 *
 * @param nodes that may dial its control channel, which there is only for them
 * @param each another broker for every test
 */
export function useBroker({
  nodes = [],
  each = false,
}: {
  nodes?: string[]
  each?: boolean
} = {}): UsedBroker {
  let files: BrokerFiles
  let broker: RunningBroker
  const before = each ? beforeEach : beforeAll
  const after = each ? afterEach : afterAll
  before(async () => {
    files = await createBrokerFiles(nodes)
    broker = await start(files.config)
  })
  after(async () => {
    await broker.close()
    files.remove()
  })
  const used: UsedBroker = {
    get files() {
      return files
    },
    get address() {
      return broker.address
    },
    get access() {
      return apiAccess(files, broker)
    },
    async run(register, args) {
      const { stdout, ...rest } = await runCommand(register, [...args, ...used.access])
      return { stdout: stdout.toString(), ...rest }
    },
    createNode(name, handlers) {
      const tls = files.nodeTls[name]
      const endpoint = broker.controlAddress
      if (tls === undefined || endpoint === undefined) throw new TypeError(`no control for ${name}`)
      return createControlClient({
        ...{ broker: endpoint, tls, ca: files.controlCa, identify: identifyPeer },
        ...{ software: '1.2.3', clock: systemClock, log: silentLog },
        // No test is about how long the broker takes, whose disk may be busy.
        limits: { redeemMs: 15_000 },
        handlers: { ...IDLE_HANDLERS, ...handlers },
      })
    },
  }
  return used
}
