import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type Certificate,
  CONTROL_DAYS,
  checkPair,
  createDevelopmentCertificates,
  DEVELOPMENT_ORGANIZATION,
  issueCertificate,
  type KeyPair,
  readCertificate,
} from '../certs/index.ts'
import { BrokerError, type Clock, errorText } from '../lib/index.ts'
import { makePrivateDirectory, readIfPresent, writePrivateFile } from './files.ts'

/** Where a certificate and its key lie. */
export interface PairFiles {
  certificateFile: string
  privateKeyFile: string
}

/**
 * The demo's certificates on disk, a directory for each process that holds keys: the issuer's key is
 * in the broker's, and no other process is told where that is.
 */
export interface DemoCertificates {
  /** Public: what clients trust. */
  caFile: string
  /** Public: what gateways trust. */
  issuerCertificateFile: string
  issuer: PairFiles
  publisher: PairFiles
  portalTls: PairFiles
  hostTls: PairFiles
  gatewayTls: Record<string, PairFiles>
  /** Public: what both ends of the control channel trust. */
  controlCaFile: string
  brokerControl: PairFiles
  gatewayControl: Record<string, PairFiles>
  agentControl: PairFiles
}

export interface CertificateOptions {
  directory: string
  farmName: string
  gateways: string[]
  /** Name of the host agent. */
  agent: string
  /** Names and addresses that clients dial. */
  names: string[]
  clock: Clock
  say: (text: string) => void
}

/** Of all but the control certificates, which end sooner: the set is made anew with the first that ends. */
const LIFETIME_DAYS = 60
/** A set that ends sooner than this is replaced: a demo should not die while it is looked at. */
const RENEW_BEFORE_MS = 24 * 60 * 60 * 1000

/**
 * The set in the directory, made on the first start, used again afterwards, replaced a day before it expires.
 *
 * @throws BrokerError `ERR_START` when a file of the set is missing or broken: it is left as it is
 */
export async function ensureCertificates(options: CertificateOptions): Promise<DemoCertificates> {
  const files = layOut(resolve(options.directory), options)
  if (!existsSync(files.caFile)) {
    options.say(
      `Making development certificates (valid ${LIFETIME_DAYS} days, those of the control channel ${CONTROL_DAYS})…`,
    )
    await create(files, options)
    return files
  }
  if (isOfEarlierVersion(files)) {
    options.say('The development certificates are of an earlier version: making new ones…')
    rmSync(files.caFile)
    await create(files, options)
    return files
  }
  const certificates = check(files)
  const earliestEnd = Math.min(...certificates.map(({ notAfter }) => notAfter.getTime()))
  if (earliestEnd - options.clock.now() < RENEW_BEFORE_MS) {
    if (!certificates.every(({ development }) => development)) throw foreign(options.directory)
    options.say('The development certificates are about to expire: making new ones…')
    rmSync(files.caFile)
    await create(files, options)
  }
  return files
}

function layOut(
  directory: string,
  { gateways, agent }: Pick<CertificateOptions, 'gateways' | 'agent'>,
): DemoCertificates {
  const pair = (holder: string, name: string): PairFiles => ({
    certificateFile: join(directory, holder, `${name}.crt`),
    privateKeyFile: join(directory, holder, `${name}.key`),
  })
  return {
    caFile: join(directory, 'public', 'ca.crt'),
    issuerCertificateFile: join(directory, 'public', 'issuer.crt'),
    issuer: pair('broker', 'issuer'),
    publisher: pair('broker', 'publisher'),
    portalTls: pair('broker', 'tls'),
    hostTls: pair('host', 'tls'),
    gatewayTls: Object.fromEntries(gateways.map((name) => [name, pair(name, 'tls')])),
    controlCaFile: join(directory, 'public', 'control-ca.crt'),
    brokerControl: pair('broker', 'control'),
    gatewayControl: Object.fromEntries(gateways.map((name) => [name, pair(name, 'control')])),
    agentControl: pair(agent, 'control'),
  }
}

async function create(files: DemoCertificates, options: CertificateOptions): Promise<void> {
  const { directory, farmName, gateways, agent, names, clock } = options
  const now = new Date(clock.now())
  const set = await createDevelopmentCertificates({
    farmName,
    names,
    gateways,
    agents: [agent],
    now,
    days: LIFETIME_DAYS,
  })
  const host = await issueCertificate({
    authority: set.authority,
    role: 'tls',
    commonName: `${farmName} host`,
    organization: DEVELOPMENT_ORGANIZATION,
    names,
    notBefore: now,
    days: LIFETIME_DAYS - 1,
  })
  for (const holder of ['public', 'broker', 'host', agent, ...gateways]) {
    makePrivateDirectory(
      join(directory, holder),
      'certificate directory',
      'choose another with --certs-dir',
    )
  }
  writePair(files.issuer, set.issuer)
  writePair(files.publisher, set.publisher)
  writePair(files.portalTls, set.portalTls)
  writePair(files.hostTls, host)
  writePair(files.brokerControl, set.brokerControl)
  writePairs(files.gatewayTls, set.gatewayTls)
  writePairs(files.gatewayControl, set.gatewayControl)
  writePairs({ [options.agent]: files.agentControl }, set.agentControl)
  writePrivateFile(files.issuerCertificateFile, set.issuer.certificatePem)
  writePrivateFile(files.controlCaFile, set.controlAuthority.certificatePem)
  // INVARIANT: the authority's certificate is written last, so that its presence means a whole set.
  // Neither authority's key is kept anywhere: nobody can add to this set.
  writePrivateFile(files.caFile, set.authority.certificatePem)
}

function writePairs(at: Record<string, PairFiles>, pairs: Record<string, KeyPair>): void {
  for (const [name, pair] of Object.entries(pairs)) {
    const files = at[name]
    if (files !== undefined) writePair(files, pair)
  }
}

function writePair(at: PairFiles, pair: KeyPair): void {
  writePrivateFile(at.certificateFile, pair.certificatePem)
  writePrivateFile(at.privateKeyFile, pair.privateKeyPem)
}

function pairsOf(files: DemoCertificates): PairFiles[] {
  const { issuer, publisher, portalTls, hostTls, brokerControl, agentControl } = files
  const perGateway = [files.gatewayTls, files.gatewayControl].flatMap(Object.values<PairFiles>)
  return [issuer, publisher, portalTls, hostTls, brokerControl, agentControl, ...perGateway]
}

/** A set of our own in which a certificate and its key are both missing. Somebody else's set is never one. */
function isOfEarlierVersion(files: DemoCertificates): boolean {
  const lacksPair = pairsOf(files).some(
    ({ certificateFile, privateKeyFile }) =>
      !existsSync(certificateFile) && !existsSync(privateKeyFile),
  )
  if (!lacksPair) return false
  try {
    return readCertificate(readPresent(files.caFile)).development
  } catch {
    // A broken one is named by the check of the whole set.
    return false
  }
}

/** Every certificate of the set, each with its key proven. */
function check(files: DemoCertificates): Certificate[] {
  try {
    return [
      readCertificate(readPresent(files.caFile)),
      readCertificate(readPresent(files.issuerCertificateFile)),
      readCertificate(readPresent(files.controlCaFile)),
      ...pairsOf(files).map(
        ({ certificateFile, privateKeyFile }) =>
          checkPair(
            {
              certificatePem: readPresent(certificateFile),
              privateKeyPem: readPresent(privateKeyFile),
            },
            certificateFile,
          ).certificate,
      ),
    ]
  } catch (error) {
    throw new BrokerError(
      'ERR_START',
      `the development certificates are broken: ${errorText(error)}; remove ${files.caFile} to get a new set`,
      { cause: error },
    )
  }
}

/** Somebody's own certificates are never overwritten. */
function foreign(directory: string): BrokerError {
  return new BrokerError(
    'ERR_START',
    `certificates in ${directory} are about to expire and are not the demo's own: replace them, or choose another directory with --certs-dir`,
  )
}

function readPresent(path: string): string {
  const text = readIfPresent(path)
  if (text === undefined) throw new BrokerError('ERR_CERTIFICATE', `${path}: missing`)
  return text
}
