import type { BrokerConfig } from '../config/index.ts'
import { type ControlServer, type ControlService, createControlServer } from '../control/index.ts'
import type { Clock, Endpoint, Log } from '../lib/index.ts'
import { identifyPeer } from './control-peer.ts'
import { readText } from './files.ts'
import { readPair } from './role-files.ts'

export interface BrokerControlInput {
  control: NonNullable<BrokerConfig['control']>
  service: ControlService
  clock: Clock
  log: Log
}

/**
 * The broker's end of the control channel, as its configuration says, listening.
 *
 * @throws BrokerError `ERR_USAGE` when a file can't be read, `ERR_START`
 */
export async function startBrokerControl(
  input: BrokerControlInput,
): Promise<{ server: ControlServer; address: Endpoint }> {
  const { control, service, clock, log } = input
  const server = createControlServer({
    listen: control.listen,
    tls: readPair(control.tls, 'control.tls'),
    ca: readText(control.caFile, 'control.caFile'),
    identify: identifyPeer,
    service,
    clock,
    log,
  })
  return { server, address: await server.listen() }
}
