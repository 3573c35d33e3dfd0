import { existsSync } from 'node:fs'
import type { GatewayConfig, HostAgentConfig } from '../config/index.ts'
import {
  type ControlLimits,
  createControlClient,
  parseRemembered,
  type RememberedTrust,
  renderRemembered,
  type VerifierControlOptions,
} from '../control/index.ts'
import { type Clock, ConfigError, errorText, type Log } from '../lib/index.ts'
import { identifyPeer } from './control-peer.ts'
import { readText } from './files.ts'
import { writePrivately } from './private-file.ts'
import { readPair } from './role-files.ts'
import { softwareVersion } from './version.ts'

export interface NodeControlInput {
  config: GatewayConfig | HostAgentConfig
  clock: Clock
  log: Log
  /** Those that differ from the defaults. */
  limits?: Partial<ControlLimits>
}

/**
 * A node's or an agent's part in the control channel, as its configuration says.
 *
 * @returns undefined for one on its own
 * @throws BrokerError `ERR_USAGE` when a file can't be read, ConfigError for a broken state file
 */
export function openNodeControl(input: NodeControlInput): VerifierControlOptions | undefined {
  const { config, clock, log, limits = {} } = input
  if (config.control === undefined) return undefined
  const { broker, caFile, stateFile, maxTrustAgeHours } = config.control
  const tls = readPair(config.control.tls, 'control.tls')
  const ca = readText(caFile, 'control.caFile')
  const remembered = stateFile === undefined ? undefined : readRemembered(stateFile)
  return {
    connect: (handlers) =>
      createControlClient({
        broker,
        tls,
        ca,
        identify: identifyPeer,
        software: softwareVersion(),
        handlers,
        clock,
        log,
        limits,
      }),
    maxTrustAgeMs: maxTrustAgeHours * 60 * 60 * 1000,
    whenBrokerAway: config.redeem.whenBrokerAway,
    development: config.development,
    ...(remembered === undefined ? {} : { remembered }),
    ...(stateFile === undefined
      ? {}
      : {
          remember: (sets) =>
            writePrivately(stateFile, Buffer.from(renderRemembered(sets)), 'control.stateFile'),
        }),
  }
}

/**
 * What a node has kept; undefined when it has kept nothing yet.
 *
 * @throws ConfigError for a broken file: without it the node would take trust of an older version again
 */
export function readRemembered(path: string): RememberedTrust | undefined {
  if (!existsSync(path)) return undefined
  try {
    return parseRemembered(readText(path, 'control.stateFile'))
  } catch (error) {
    const advice = 'remove the file to start without what the node remembers'
    throw new ConfigError('control.stateFile', `${path}: ${errorText(error)}; ${advice}`, {
      cause: error,
    })
  }
}
