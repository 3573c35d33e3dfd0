import { type GatewayConfig, loadGatewayConfig } from '../config/index.ts'
import type { Gateway } from '../gateway/index.ts'
import type { Clock } from '../lib/index.ts'
import type { FileWatch } from './file-watch.ts'
import { openAgentSecurity, openNodeTls } from './gateway-files.ts'
import {
  controlSetting,
  logApplied,
  trustSetting,
  type WatchedSetting,
  type Watcher,
  watchSettings,
} from './reload.ts'
import { filesOf, readPair } from './role-files.ts'

export interface ReloadOptions extends Watcher {
  /** The configuration file, and what it said at the start. */
  configFile: string
  config: GatewayConfig
  /** Reads the file anew; by default as at the start. */
  loadConfig?: () => GatewayConfig
  gateway: Pick<
    Gateway,
    'replaceCertificate' | 'replaceTrust' | 'replaceControlCertificate' | 'replaceAgentSecurity'
  >
  clock: Clock
}

/**
 * Takes replaced certificates (its own for clients, brokers and agents), and on a node on its own a changed `trust`
 * list, without a restart and without an effect on live tunnels. What can't be used is logged, and the old stays.
 * Every other setting waits for the next start.
 */
export function watchGatewayFiles(options: ReloadOptions): FileWatch {
  const { config, gateway, log } = options
  const { control, agents } = config
  const replaceAgentSecurity = (): void => {
    const security = openAgentSecurity(config)
    if (security !== undefined) gateway.replaceAgentSecurity(security)
  }
  const leading =
    control === undefined
      ? trustOf(options)
      : controlSetting({
          ...{ config, control, log },
          replace(certificate) {
            gateway.replaceControlCertificate(certificate)
            if (agents.tls === undefined) replaceAgentSecurity()
          },
        })
  return watchSettings(
    [tlsOf(options), leading, ...agentsOf(options, replaceAgentSecurity)],
    options,
  )
}

function tlsOf({ config, gateway, log }: ReloadOptions): WatchedSetting {
  return {
    setting: 'tls',
    files: () => filesOf(config.tls),
    apply() {
      const { pair } = openNodeTls(config)
      gateway.replaceCertificate(pair)
      logApplied(log, 'tls', pair)
    },
  }
}

function trustOf({
  configFile,
  config,
  gateway,
  clock,
  log,
  ...rest
}: ReloadOptions): WatchedSetting {
  const { loadConfig = () => loadGatewayConfig(configFile) } = rest
  const replaceTrust = gateway.replaceTrust.bind(gateway)
  return trustSetting({
    ...{ configFile, config, loadConfig, replaceTrust, clock, log },
    purpose: 'gateway',
  })
}

/** What agents are shown, where that is not the control certificate. */
function agentsOf(
  { config: { agents }, log }: ReloadOptions,
  replace: () => void,
): WatchedSetting[] {
  const { tls: files, caFile } = agents
  if (files === undefined || caFile === undefined) return []
  const setting = 'agents.tls'
  return [
    {
      setting,
      files: () => [...filesOf(files), caFile],
      apply() {
        replace()
        logApplied(log, setting, readPair(files, setting))
      },
    },
  ]
}
