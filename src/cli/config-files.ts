import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Certificate, readCertificate } from '../certs/index.ts'
import {
  assertDevelopmentAllowed,
  type BrokerConfig,
  type CheckedConfig,
  type FarmConfig,
  type GatewayConfig,
  type HostAgentConfig,
  type PairFiles,
} from '../config/index.ts'
import { checkFarm } from '../farm/index.ts'
import { ConfigError } from '../lib/index.ts'
import { createPublisher } from '../rdpfile/index.ts'
import { createIssuer, createTrustList } from '../tokens/index.ts'
import { openControlCertificate } from './control-peer.ts'
import { lintAccess } from './file-access.ts'
import { readText } from './files.ts'
import { openLabTrust } from './gateway-files.ts'
import { readRemembered } from './node-control.ts'
import { openIssuer, openPair, readPair } from './role-files.ts'

/** One thing to try; it throws what a start of the role would end with. */
export interface FileCheck {
  /** The setting to name when the error names none. */
  path: string
  run(): void | Promise<void>
}

/** What can be wrong with the files that a configuration names, each on its own, so that all faults are found. */
export function fileChecks(checked: CheckedConfig, nowMs: number): FileCheck[] {
  if ('faults' in checked.result) return []
  switch (checked.role) {
    case 'broker':
      return brokerChecks(checked.result.config, nowMs)
    case 'gateway':
      return gatewayChecks(checked.result.config, nowMs)
    case 'host-agent':
      return hostAgentChecks(checked.result.config, nowMs)
    case 'farm':
      return farmChecks(checked.result.config)
  }
}

function brokerChecks(config: BrokerConfig, nowMs: number): FileCheck[] {
  return [
    tlsCheck(config, nowMs),
    ...controlChecks(config, nowMs),
    ...privacyChecks({ tls: config.tls, issuer: config.issuer, publisher: config.publisher }),
    { path: 'store.file', run: () => checkPlace('store.file', config.store.file, 'the broker') },
    {
      path: 'issuer',
      run: async () => {
        const { certificate } = await createIssuer(readPair(config.issuer, 'issuer'))
        checkUsable('issuer.certificateFile', certificate, config, nowMs)
      },
    },
    {
      path: 'publisher',
      run: () => {
        if (config.publisher === undefined) return
        const { certificate } = createPublisher(readPair(config.publisher, 'publisher'))
        checkUsable('publisher.certificateFile', certificate, config, nowMs)
      },
    },
  ]
}

function gatewayChecks(config: GatewayConfig, nowMs: number): FileCheck[] {
  return [
    tlsCheck(config, nowMs),
    ...privacyChecks({ tls: config.tls }),
    ...agentsChecks(config, nowMs),
    ...trustChecks(config, nowMs),
    { path: 'lab.issuer', run: () => checkLab(config, nowMs) },
    ...controlChecks(config, nowMs),
    { path: 'control.stateFile', run: () => checkState(config.control?.stateFile, 'the node') },
  ]
}

function hostAgentChecks(config: HostAgentConfig, nowMs: number): FileCheck[] {
  const { tls } = config
  return [
    ...(tls === undefined
      ? []
      : [...pairChecks('tls', tls, config, nowMs), authorityCheck('tls.caFile', tls.caFile)]),
    ...trustChecks(config, nowMs),
    ...controlChecks(config, nowMs),
    { path: 'control.stateFile', run: () => checkState(config.control?.stateFile, 'the agent') },
  ]
}

/** How a node proves itself to host agents. */
function agentsChecks(config: GatewayConfig, nowMs: number): FileCheck[] {
  const { tls, caFile } = config.agents
  return [
    ...(tls === undefined ? [] : pairChecks('agents.tls', tls, config, nowMs)),
    ...(caFile === undefined ? [] : [authorityCheck('agents.caFile', caFile)]),
  ]
}

function trustChecks(config: GatewayConfig | HostAgentConfig, nowMs: number): FileCheck[] {
  return config.trust.map((file, index) => {
    const path = `trust.${index}`
    const run = (): void => {
      const { entry } = openIssuer(file, path)
      createTrustList([entry], nowMs)
      checkUsable(`${path}.certificateFile`, entry.certificate, config, nowMs)
    }
    return { path, run }
  })
}

function checkLab(config: GatewayConfig, nowMs: number): void {
  if (config.lab === undefined) return
  const { certificate } = openIssuer(config.lab.issuer, 'lab.issuer').entry
  checkUsable('lab.issuer.certificateFile', certificate, config, nowMs)
  openLabTrust(config, nowMs)
}

/** Its owner makes the state file itself, reads it at every start, and never makes the directory. */
function checkState(file: string | undefined, owner: string): void {
  if (file === undefined) return
  checkPlace('control.stateFile', file, owner)
  readRemembered(file)
}

/** Certificate, key and authority of a role's end of the control channel. */
function controlChecks(
  config: BrokerConfig | GatewayConfig | HostAgentConfig,
  nowMs: number,
): FileCheck[] {
  const { control } = config
  if (control === undefined) return []
  return [
    {
      path: 'control.tls',
      run: () => {
        const certificate = openControlCertificate(config)
        if (certificate === undefined) return
        checkUsable('control.tls.certificateFile', certificate, config, nowMs)
      },
    },
    ...privacyChecks({ 'control.tls': control.tls }),
    authorityCheck('control.caFile', control.caFile),
  ]
}

function authorityCheck(path: string, file: string): FileCheck {
  return { path, run: () => void readCertificate(readText(file, path), path) }
}

function farmChecks(config: FarmConfig): FileCheck[] {
  const certificate = (path: 'caFile' | 'certificateFile'): FileCheck => ({
    path,
    run: () => {
      const file = config[path]
      if (file !== undefined) readCertificate(readText(file, path), path)
    },
  })
  return [
    { path: 'farm', run: () => void checkFarm(config) },
    certificate('caFile'),
    certificate('certificateFile'),
  ]
}

function tlsCheck(config: BrokerConfig | GatewayConfig, nowMs: number): FileCheck {
  return pairCheck('tls', config.tls, config, nowMs)
}

function pairChecks(
  path: string,
  files: PairFiles,
  config: { development: boolean },
  nowMs: number,
): FileCheck[] {
  return [pairCheck(path, files, config, nowMs), ...privacyChecks({ [path]: files })]
}

function pairCheck(
  path: string,
  files: PairFiles,
  config: { development: boolean },
  nowMs: number,
): FileCheck {
  const run = (): void => {
    const { certificate } = openPair(files, path)
    checkUsable(`${path}.certificateFile`, certificate, config, nowMs)
  }
  return { path, run }
}

/** The file itself is made when it is missing; its directory never is. */
function checkPlace(path: string, file: string, owner: string): void {
  const directory = dirname(file)
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return
  throw new ConfigError(path, `${directory} is no directory; make it, for ${owner} alone`)
}

/** A key that others on the machine can read is theirs; one that is missing is named by who opens it. */
function privacyChecks(pairs: Record<string, PairFiles | undefined>): FileCheck[] {
  return Object.entries(pairs).flatMap(([name, files]) => {
    if (files === undefined) return []
    const { privateKeyFile, passPhraseFile } = files
    return [
      privacyCheck(`${name}.privateKeyFile`, privateKeyFile),
      ...(passPhraseFile === undefined
        ? []
        : [privacyCheck(`${name}.passPhraseFile`, passPhraseFile)]),
    ]
  })
}

function privacyCheck(path: string, file: string): FileCheck {
  const run = (): void => {
    const [finding] = lintAccess(file, true) ?? []
    if (finding === undefined) return
    throw new ConfigError(path, `${finding.message}; ${finding.fix}`)
  }
  return { path, run }
}

function checkUsable(
  path: string,
  { notAfter, development }: Certificate,
  config: { development: boolean },
  nowMs: number,
): void {
  if (notAfter.getTime() < nowMs) {
    throw new ConfigError(path, `expired on ${notAfter.toISOString()}; need one that is valid`)
  }
  assertDevelopmentAllowed(config, [{ path, development }])
}
