import { type Certificate, checkPair, type KeyPair } from '../certs/index.ts'
import {
  assertDevelopmentAllowed,
  type GatewayConfig,
  type HostAgentConfig,
} from '../config/index.ts'
import { createTrustList, type Purpose, type TrustList } from '../tokens/index.ts'
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
 * The issuers that a node or an agent on its own trusts; what is odd about a thumbprint's spelling goes to the operator.
 *
 * @throws BrokerError `ERR_USAGE`, `ERR_CERTIFICATE`; ConfigError for a thumbprint of another certificate,
 *   or for a development certificate in earnest
 */
export function openNodeTrust(
  config: GatewayConfig | HostAgentConfig,
  nowMs: number,
  purpose: Purpose = 'gateway',
): TrustList {
  const entries = config.trust.map((file, index) => {
    const path = `trust.${index}`
    const { entry, oddities } = openIssuer(file, path)
    for (const oddity of oddities) say(`portcullis: ${path}.thumbprint: ${oddity}`)
    const { development } = entry.certificate
    assertDevelopmentAllowed(config, [{ path: `${path}.certificateFile`, development }])
    return { ...entry, purpose }
  })
  return createTrustList(entries, nowMs)
}
