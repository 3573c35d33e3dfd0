import type { GatewayConfig } from '../config/index.ts'
import type { Gateway } from '../gateway/index.ts'
import { type Clock, ConfigError, errorText, type Log } from '../lib/index.ts'
import { type FileWatch, watchFiles } from './file-watch.ts'
import { openNodeTls, openNodeTrust } from './gateway-files.ts'

export interface ReloadOptions {
  /** The configuration file, and what it said at the start. */
  configFile: string
  config: GatewayConfig
  /** Reads the file anew. */
  loadConfig: () => GatewayConfig
  gateway: Pick<Gateway, 'replaceCertificate' | 'replaceTrust'>
  clock: Clock
  log: Log
}

/**
 * Takes a replaced TLS certificate, and on a node on its own a changed `trust` list, without a restart and
 * without an effect on live tunnels. What can't be used is logged, and the old stays. Every other setting
 * waits for the next start.
 */
export function watchGatewayFiles(options: ReloadOptions): FileWatch {
  const { config, gateway, clock, log } = options
  const attempt = (setting: string, apply: () => void) => (): void => {
    try {
      apply()
    } catch (error) {
      log.error('reload.failed', { setting, error: errorText(error) })
    }
  }
  const { certificateFile, privateKeyFile } = config.tls
  const tls = watchFiles(
    () => [certificateFile, privateKeyFile],
    attempt('tls', () => {
      const { pair, certificate } = openNodeTls(config)
      gateway.replaceCertificate(pair)
      const { subject, sha256Thumbprint, notAfter } = certificate
      log.info('cert.applied', { subject, sha256Thumbprint, notAfter: notAfter.toISOString() })
    }),
  )
  if (config.control !== undefined) return tls
  let trusting = config
  const trust = watchFiles(
    () => [options.configFile, ...trusting.trust.map((issuer) => issuer.certificateFile)],
    attempt('trust', () => {
      const next = options.loadConfig()
      if (next.control !== undefined) {
        throw new ConfigError('control', 'takes the place of trust only when the node starts again')
      }
      const list = openNodeTrust(next, clock.now())
      trusting = next
      gateway.replaceTrust(list)
      log.info('trust.applied', { issuers: list.issuers.length })
    }),
  )
  return {
    look: () => {
      tls.look()
      trust.look()
    },
    close: () => {
      tls.close()
      trust.close()
    },
  }
}
