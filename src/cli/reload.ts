import { checkPair, type KeyPair } from '../certs/index.ts'
import {
  assertDevelopmentAllowed,
  type GatewayConfig,
  type HostAgentConfig,
} from '../config/index.ts'
import type { ControlCertificate } from '../control/index.ts'
import { type Clock, ConfigError, errorText, type Log } from '../lib/index.ts'
import type { SharedPurpose, TrustList } from '../tokens/index.ts'
import { openControlCertificate } from './control-peer.ts'
import { type FileWatch, watchFiles } from './file-watch.ts'
import { readText } from './files.ts'
import { openNodeTrust } from './gateway-files.ts'
import { filesOf, readPair } from './role-files.ts'

/** A setting whose files may be replaced while the role runs. */
export interface WatchedSetting {
  setting: string
  /** Asked for at every look. */
  files(): string[]
  /** Called when their content has changed; when it throws, the old stays in use. */
  apply(): void
}

export interface Watcher {
  /** Called whenever a setting's new files have come into use. */
  onApplied(): void
  log: Log
}

/** Follows the files of all of them. What can't be used is logged, and the old goes on. */
export function watchSettings(
  settings: readonly WatchedSetting[],
  { onApplied, log }: Watcher,
): FileWatch {
  const watches = settings.map(({ setting, files, apply }) =>
    watchFiles(files, () => {
      try {
        apply()
        onApplied()
      } catch (error) {
        log.error('reload.failed', { setting, error: errorText(error) })
      }
    }),
  )
  return {
    look: () => watches.forEach((watch) => void watch.look()),
    close: () => watches.forEach((watch) => void watch.close()),
  }
}

/** The log's line of a certificate that counts from now on. */
export function logApplied(log: Log, setting: string, pair: KeyPair): void {
  const { subject, sha256Thumbprint, notAfter } = checkPair(pair, setting).certificate
  const fields = { subject, sha256Thumbprint, notAfter: notAfter.toISOString() }
  log.info('cert.applied', { setting, ...fields })
}

export interface TrustReload<Config extends GatewayConfig | HostAgentConfig> {
  /** The configuration file, and what it said at the start. */
  configFile: string
  config: Config
  /** Reads the file anew. */
  loadConfig(): Config
  replaceTrust(trust: TrustList): void
  purpose: SharedPurpose
  clock: Clock
  log: Log
}

/** The `trust` list of a role that no broker leads. */
export function trustSetting<Config extends GatewayConfig | HostAgentConfig>({
  configFile,
  loadConfig,
  replaceTrust,
  purpose,
  clock,
  log,
  ...start
}: TrustReload<Config>): WatchedSetting {
  let { config } = start
  return {
    setting: 'trust',
    files: () => [configFile, ...config.trust.map(({ certificateFile }) => certificateFile)],
    apply() {
      const next = loadConfig()
      if (next.control !== undefined) {
        throw new ConfigError('control', 'takes the place of trust only after the next start')
      }
      const list = openNodeTrust(next, clock.now(), purpose)
      config = next
      replaceTrust(list)
      log.info('trust.applied', { issuers: list.issuers.length })
    },
  }
}

export interface ControlReload {
  config: GatewayConfig | HostAgentConfig
  control: NonNullable<GatewayConfig['control']>
  /** Shows it to brokers, and to whom else this role shows it. */
  replace(certificate: ControlCertificate): void
  log: Log
}

/** A role's own control certificate, and the authority of the others. */
export function controlSetting({ config, control, replace, log }: ControlReload): WatchedSetting {
  const { tls: files, caFile } = control
  const setting = 'control.tls'
  return {
    setting,
    files: () => [...filesOf(files), caFile],
    apply() {
      const development = openControlCertificate(config)?.development ?? false
      assertDevelopmentAllowed(config, [{ path: `${setting}.certificateFile`, development }])
      const tls = readPair(files, setting)
      replace({ tls, ca: readText(caFile, 'control.caFile') })
      logApplied(log, setting, tls)
    },
  }
}
