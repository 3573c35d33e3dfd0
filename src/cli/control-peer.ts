import {
  type Certificate,
  controlIdentityOf,
  findIssuer,
  readCertificate,
  readCertificates,
} from '../certs/index.ts'
import type { BrokerConfig, GatewayConfig, HostAgentConfig } from '../config/index.ts'
import type { Peer } from '../control/index.ts'
import { ConfigError } from '../lib/index.ts'
import { readText } from './files.ts'
import { openPair } from './role-files.ts'

/** Who a certificate (DER) of the control CA belongs to; undefined when it names nobody. */
export function identifyPeer(certificate: Uint8Array): Peer | undefined {
  return controlIdentityOf(readCertificate(certificate))
}

/**
 * The certificate of a role's own end of the control channel, proven to be what the other end takes: it
 * belongs to its key, names this role as the configuration does, and is of an authority in `control.caFile`.
 *
 * @returns undefined without `control`
 * @throws ConfigError; BrokerError `ERR_USAGE`, `ERR_CERTIFICATE`
 */
export function openControlCertificate(
  config: BrokerConfig | GatewayConfig | HostAgentConfig,
): Certificate | undefined {
  if (config.control === undefined) return undefined
  const { tls, caFile } = config.control
  const path = 'control.tls.certificateFile'
  const { certificate } = openPair(tls, 'control.tls')
  const { role, key, name } = ownIdentity(config)
  const need = `${role} ${name}`
  const identity = controlIdentityOf(certificate)
  const found = identity === undefined ? 'nobody' : `${identity.role} ${identity.name}`
  if (found !== need) {
    throw new ConfigError(path, `names ${found}; need one for ${need}, or another \`${key}\``)
  }
  const read = (file: string, setting: string): Certificate[] =>
    readCertificates(Buffer.from(readText(file, setting)), setting)
  const intermediates = read(tls.certificateFile, path).slice(1)
  const authorities = [...read(caFile, 'control.caFile'), ...intermediates]
  if (findIssuer(certificate, authorities) === undefined) {
    throw new ConfigError(
      path,
      `is signed by ${certificate.issuer}, which is not in control.caFile`,
    )
  }
  return certificate
}

/** What the control certificate has to name, and the setting that says so. */
function ownIdentity(config: BrokerConfig | GatewayConfig | HostAgentConfig) {
  if ('node' in config) return { role: 'node', key: 'node', name: config.node }
  if ('agent' in config) return { role: 'agent', key: 'agent', name: config.agent }
  return { role: 'broker', key: 'name', name: config.name }
}
