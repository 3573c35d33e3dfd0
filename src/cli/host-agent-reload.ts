import { checkPair } from '../certs/index.ts'
import {
  assertDevelopmentAllowed,
  type HostAgentConfig,
  loadHostAgentConfig,
} from '../config/index.ts'
import type { HostAgent, HostAgentOptions } from '../host-agent/index.ts'
import type { Clock } from '../lib/index.ts'
import { identifyPeer } from './control-peer.ts'
import type { FileWatch } from './file-watch.ts'
import { readText } from './files.ts'
import {
  controlSetting,
  logApplied,
  trustSetting,
  type WatchedSetting,
  type Watcher,
  watchSettings,
} from './reload.ts'
import { filesOf, readPair } from './role-files.ts'

export interface AgentReloadOptions extends Watcher {
  /** The configuration file, and what it said at the start. */
  configFile: string
  config: HostAgentConfig
  agent: Pick<HostAgent, 'replaceCertificate' | 'replaceControlCertificate' | 'replaceTrust'>
  clock: Clock
}

/**
 * Takes replaced certificates (for nodes, and for the broker), and on an agent on its own a changed `trust` list,
 * without a restart and without an effect on open consoles. What can't be used is logged, and the old stays.
 */
export function watchAgentFiles(options: AgentReloadOptions): FileWatch {
  const { configFile, config, agent, clock, log } = options
  const { tls, control } = config
  const replaceShown = (): void => {
    const security = openAgentTls(config)
    if (security !== 'plain') agent.replaceCertificate(security)
  }
  const leading =
    control === undefined
      ? trustSetting({
          ...{ configFile, config, clock, log, purpose: 'host' },
          loadConfig: () => loadHostAgentConfig(configFile),
          replaceTrust: (trust) => agent.replaceTrust(trust),
        })
      : controlSetting({
          ...{ config, control, log },
          replace(certificate) {
            if (tls === undefined) replaceShown()
            agent.replaceControlCertificate(certificate)
          },
        })
  const shown: WatchedSetting[] = tls
    ? [
        {
          setting: 'tls',
          files: () => [...filesOf(tls), tls.caFile],
          apply() {
            replaceShown()
            logApplied(log, 'tls', readPair(tls, 'tls'))
          },
        },
      ]
    : []
  return watchSettings([leading, ...shown], options)
}

/** What nodes are shown, and whom they have to be of: by default as on the control channel. */
export function openAgentTls(config: HostAgentConfig): HostAgentOptions['security'] {
  const { tls, plain, control } = config
  if (plain) return 'plain'
  const own = tls ?? (control && { ...control.tls, caFile: control.caFile })
  if (own === undefined) throw new TypeError('the schema asks for tls, control or plain')
  const [path, caPath] =
    tls === undefined ? ['control.tls', 'control.caFile'] : ['tls', 'tls.caFile']
  const pair = readPair(own, path)
  const { development } = checkPair(pair, path).certificate
  assertDevelopmentAllowed(config, [{ path: `${path}.certificateFile`, development }])
  return { ...pair, ca: readText(own.caFile, caPath), identify: identifyPeer }
}
