import { type Certificate, checkPair, type KeyPair } from '../certs/index.ts'
import {
  assertDevelopmentAllowed,
  type GatewayConfig,
  type HostAgentConfig,
  type TrustFile,
} from '../config/index.ts'
import type { AgentSecurity } from '../gateway/index.ts'
import { ConfigError } from '../lib/index.ts'
import {
  createTrustList,
  type SharedPurpose,
  type TrustEntry,
  type TrustList,
} from '../tokens/index.ts'
import { identifyPeer } from './control-peer.ts'
import { readText } from './files.ts'
import { say } from './output.ts'
import { openIssuer, readPair } from './role-files.ts'

/**
 * The TLS certificate of a node and its key, proven to belong together.
 *
 * @throws BrokerError `ERR_USAGE`, `ERR_CERTIFICATE`; ConfigError for a development certificate in earnest
 */
export function openNodeTls(config: GatewayConfig): { pair: KeyPair; certificate: Certificate } {
  const pair = readPair(config.tls, 'tls')
  const { certificate } = checkPair(pair, 'tls')
  const { development } = certificate
  assertDevelopmentAllowed(config, [{ path: 'tls.certificateFile', development }])
  return { pair, certificate }
}

/**
 * What a node shows to host agents, and whom it takes for one.
 *
 * @returns undefined for a node that has no certificate to show
 * @throws BrokerError `ERR_USAGE`, `ERR_CERTIFICATE`
 */
export function openAgentSecurity({ agents, control }: GatewayConfig): AgentSecurity | undefined {
  if (agents.plain) return 'plain'
  const [path, own] = agents.tls === undefined ? ['control', control] : ['agents', agents]
  if (own?.tls === undefined || own.caFile === undefined) return undefined
  const pair = readPair(own.tls, `${path}.tls`)
  checkPair(pair, `${path}.tls`)
  return { ...pair, ca: readText(own.caFile, `${path}.caFile`), identify: identifyPeer }
}

/**
 * The issuers that a node or an agent on its own trusts; what is odd about a thumbprint's spelling goes to the operator.
 *
 * @throws BrokerError `ERR_USAGE`, `ERR_CERTIFICATE`; ConfigError for a thumbprint of another certificate,
 *   or for a development certificate in earnest
 */
export function openNodeTrust(
  config: GatewayConfig | HostAgentConfig,
  nowMs: number,
  purpose: SharedPurpose = 'gateway',
): TrustList {
  const entries = config.trust.map((file, index) => {
    return { ...openTrusted(config, file, `trust.${index}`), purpose }
  })
  return createTrustList(entries, nowMs)
}

/**
 * The laboratory's issuer; none where the node's file lists none, and none any more after its certificate's end:
 * a test that is over keeps no node from starting.
 *
 * @throws as {@link openNodeTrust}; ConfigError as well for one that `trust` has
 */
export function openLabTrust(config: GatewayConfig, nowMs: number): TrustList {
  if (config.lab === undefined) return createTrustList([], nowMs)
  const path = 'lab.issuer'
  const entry = openTrusted(config, config.lab.issuer, path)
  const { sha256Thumbprint } = entry.certificate
  for (const [index, file] of config.trust.entries()) {
    const { certificate } = openIssuer(file, `trust.${index}`).entry
    if (certificate.sha256Thumbprint !== sha256Thumbprint) continue
    throw new ConfigError(path, `is trust.${index} as well; need a certificate of its own`)
  }
  const { notAfter } = entry.certificate
  const isOver = notAfter.getTime() < nowMs
  if (isOver) say(`portcullis: ${path}: expired on ${notAfter.toISOString()}; nobody gets in by it`)
  return createTrustList(isOver ? [] : [{ ...entry, purpose: 'lab' }], nowMs)
}

function openTrusted(
  config: GatewayConfig | HostAgentConfig,
  file: TrustFile,
  path: string,
): Omit<TrustEntry, 'purpose'> {
  const { entry, oddities } = openIssuer(file, path)
  for (const oddity of oddities) say(`portcullis: ${path}.thumbprint: ${oddity}`)
  const { development } = entry.certificate
  assertDevelopmentAllowed(config, [{ path: `${path}.certificateFile`, development }])
  return entry
}
