import { join } from 'node:path'
import { stringify } from 'yaml'
import { formatEndpoint } from '../lib/index.ts'
import type { DemoCertificates } from './certificates.ts'
import { makePrivateDirectory, writePrivateFile } from './files.ts'

const LOOPBACK = ['127.0.0.0/8', '::1']

/** Where one node listens. */
export interface GatewayPorts {
  id: string
  port: number
  /** The node stands behind a balancer, so that `port` needs the PROXY header; here it answers without. */
  directPort?: number
}

/** Where the host agent listens, and what is behind it. */
export interface AgentPlace {
  /** Its name, and its host's id. */
  id: string
  port: number
  /** For its readiness. */
  metricsPort: number
  /** The machine's, and the port of its console. */
  guid: string
  consolePort: number
}

export interface ConfigFilesInput {
  directory: string
  /** Name, and the address that clients dial. */
  farm: { name: string; address: string }
  listen: string
  portalPort: number
  /** Where the broker listens for the nodes. */
  controlPort: number
  gateways: GatewayPorts[]
  certificates: DemoCertificates
  storeFile: string
  /** A machine's console that stands behind a host agent; absent: none does. */
  agent?: AgentPlace
  /** What the nodes may dial: exactly the demo's machines. */
  targets: { addresses: string[]; ports: number[] }
}

export interface ConfigFiles {
  broker: string
  /** In the order of `gateways`. */
  gateways: string[]
  agent?: string
}

/** Writes each role's YAML file, the same that an operator would write; it is new on every start. */
export function writeConfigFiles(input: ConfigFilesInput): ConfigFiles {
  const { directory, gateways, agent } = input
  makePrivateDirectory(directory, 'configuration directory', 'choose another with --data-dir')
  const write = (name: string, value: object): string => {
    const path = join(directory, `${name}.yaml`)
    writePrivateFile(path, `# Written by \`portcullis demo\` on every start.\n${stringify(value)}`)
    return path
  }
  return {
    broker: write('broker', brokerConfig(input)),
    gateways: gateways.map((ports) => write(ports.id, gatewayConfig(input, ports))),
    ...(agent === undefined ? {} : { agent: write('host-agent', agentConfig(input, agent)) }),
  }
}

function brokerConfig(input: ConfigFilesInput) {
  const { farm, listen, portalPort, controlPort, certificates, storeFile } = input
  return {
    farm,
    listen: formatEndpoint({ host: listen, port: portalPort }),
    tls: certificates.portalTls,
    issuer: certificates.issuer,
    publisher: certificates.publisher,
    control: {
      listen: formatEndpoint({ host: listen, port: controlPort }),
      tls: certificates.brokerControl,
      caFile: certificates.controlCaFile,
    },
    store: { file: storeFile },
    development: true,
  }
}

function gatewayConfig(input: ConfigFilesInput, ports: GatewayPorts) {
  const { farm, listen, controlPort, certificates, targets } = input
  const node = ports.id
  return {
    node,
    farm: { name: farm.name },
    listeners: listenersOf(listen, ports),
    tls: certificates.gatewayTls[node],
    control: {
      broker: formatEndpoint({ host: listen, port: controlPort }),
      tls: certificates.gatewayControl[node],
      caFile: certificates.controlCaFile,
    },
    targets: {
      allow: targets.addresses.map((cidr) => ({ cidr, ports: targets.ports })),
    },
    development: true,
  }
}

function agentConfig(input: ConfigFilesInput, agent: AgentPlace) {
  const { listen: host, controlPort, certificates } = input
  const { id, port, metricsPort, guid, consolePort } = agent
  return {
    agent: id,
    host: id,
    listen: formatEndpoint({ host, port }),
    control: {
      broker: formatEndpoint({ host, port: controlPort }),
      tls: certificates.agentControl,
      caFile: certificates.controlCaFile,
    },
    consoles: {
      [guid]: { address: formatEndpoint({ host, port: consolePort }), proxy: 'v2' },
    },
    metrics: { listen: formatEndpoint({ host, port: metricsPort }) },
    development: true,
  }
}

/** Behind a balancer the client's address is what its PROXY header says; the demo asks for readiness directly. */
function listenersOf(host: string, { port, directPort }: GatewayPorts) {
  const address = formatEndpoint({ host, port })
  if (directPort === undefined) return [{ address }]
  return [
    { address, proxy: 'required', from: LOOPBACK },
    { address: formatEndpoint({ host, port: directPort }) },
  ]
}
