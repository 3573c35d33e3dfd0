import { join } from 'node:path'
import { stringify } from 'yaml'
import { formatEndpoint } from '../lib/index.ts'
import type { DemoCertificates } from './certificates.ts'
import { makePrivateDirectory, writePrivateFile } from './files.ts'

export interface ConfigFilesInput {
  directory: string
  /** Name, and the address that clients dial. */
  farm: { name: string; address: string }
  /** A balancer stands in front of the nodes. */
  balanced: boolean
  listen: string
  portalPort: number
  /** Where the broker listens for the nodes. */
  controlPort: number
  gateways: Array<{ id: string; port: number }>
  certificates: DemoCertificates
  storeFile: string
  /** What the nodes may dial: exactly the demo's machines. */
  targets: { addresses: string[]; ports: number[] }
}

export interface ConfigFiles {
  broker: string
  /** In the order of `gateways`. */
  gateways: string[]
}

/** Writes each role's YAML file, the same that an operator would write; it is new on every start. */
export function writeConfigFiles(input: ConfigFilesInput): ConfigFiles {
  const { directory, gateways } = input
  makePrivateDirectory(directory, 'configuration directory', 'choose another with --data-dir')
  const write = (name: string, value: object): string => {
    const path = join(directory, `${name}.yaml`)
    writePrivateFile(path, `# Written by \`portcullis demo\` on every start.\n${stringify(value)}`)
    return path
  }
  return {
    broker: write('broker', brokerConfig(input)),
    gateways: gateways.map(({ id, port }) => write(id, gatewayConfig(input, id, port))),
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
    ...bindingOf(input),
    development: true,
  }
}

function gatewayConfig(input: ConfigFilesInput, node: string, port: number) {
  const { farm, listen, controlPort, certificates, targets } = input
  return {
    node,
    farm: { name: farm.name },
    listeners: [{ address: formatEndpoint({ host: listen, port }) }],
    tls: certificates.gatewayTls[node],
    control: {
      broker: formatEndpoint({ host: listen, port: controlPort }),
      tls: certificates.gatewayControl[node],
      caFile: certificates.controlCaFile,
    },
    targets: {
      allow: targets.addresses.map((cidr) => ({ cidr, ports: targets.ports })),
    },
    ...bindingOf(input),
    development: true,
  }
}

/** A balancer without the PROXY protocol hides the client's address: all would look like one. */
function bindingOf({ balanced }: ConfigFilesInput) {
  return balanced ? { clientBinding: 'none' } : {}
}
