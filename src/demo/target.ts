import { BrokerError } from '../lib/index.ts'
import type { AgentPlace } from './config-files.ts'
import { AGENT, ALPHA, BRAVO, BRAVO_GUID } from './names.ts'
import { findFreePort } from './ports.ts'
import { START_WITHIN_MS, type StartRole, whileRunning } from './roles.ts'

/** Where the machines' consoles are. */
export interface Target {
  host: string
  addresses: string[]
  /** The first machine's. */
  port: number
  /** In front of the second one, where there is one. */
  agent?: AgentPlace
}

/** All that a node may dial. */
export function portsOf({ port, agent }: Target): number[] {
  return agent === undefined ? [port] : [port, agent.port]
}

/** The demo host picks free ports, one for each machine, and says which over its IPC channel. */
export async function startDemoHost(
  start: StartRole,
  listen: string,
  tls: { certificateFile: string; privateKeyFile: string },
): Promise<Target> {
  const role = start('demo-host', [
    'demo-host',
    ...['--listen', listen],
    ...['--certificate', tls.certificateFile],
    ...['--private-key', tls.privateKeyFile],
    ...['--proxied', BRAVO.name],
    ...[ALPHA.name, BRAVO.name],
  ])
  const message = await whileRunning(role, role.firstMessage, START_WITHIN_MS)
  const [port, consolePort] = readPorts(message)
  const agentPort = await findFreePort(listen, 0, [])
  const metricsPort = await findFreePort(listen, 0, [])
  return {
    ...{ host: listen, addresses: [listen], port },
    agent: { id: AGENT, port: agentPort, metricsPort, guid: BRAVO_GUID, consolePort },
  }
}

function readPorts(message: unknown): [number, number] {
  if (typeof message === 'object' && message !== null && 'ports' in message) {
    const { ports } = message
    if (Array.isArray(ports) && ports.every((port) => Number.isInteger(port))) {
      const [first, second] = ports
      if (ports.length === 2) return [first, second]
    }
  }
  throw new BrokerError('ERR_START', 'demo-host: its first message does not name two ports')
}
