import { type Clock, type Log, Refusal } from '../lib/index.ts'
import type { StoredTrustSet, TrustedCertificate } from '../store/index.ts'
import type { Issuer } from '../tokens/index.ts'
import type { TrustKeeper } from './trust-keeper.ts'

/** An issuer's files, by their names in the broker's key directory: keys never travel. */
export interface IssuerFiles {
  certificateFile: string
  privateKeyFile: string
}

/** @throws BrokerError when a file is missing or broken, ConfigError when it is not allowed here */
export type LoadIssuer = (files: IssuerFiles) => Promise<Issuer>

/** What the broker signs with now. Ask each time: a rotation changes it while the broker runs. */
export interface Signer {
  readonly current: Issuer
}

/** A {@link Signer} that a rotation may switch. */
export class SwitchableSigner implements Signer {
  #current: Issuer

  constructor(issuer: Issuer) {
    this.#current = issuer
  }

  get current(): Issuer {
    return this.#current
  }

  switchTo(issuer: Issuer): void {
    this.#current = issuer
  }
}

export const DEFAULT_OVERLAP_DAYS = 30
export const DAY_MS = 24 * 60 * 60_000
const PURPOSES = ['gateway', 'host'] as const

export interface EstablishOptions {
  trust: TrustKeeper
  brokerName: string
  /** The issuer that the configuration names. */
  configured: Issuer
  loadIssuer: LoadIssuer
  clock: Clock
  log: Log
}

/**
 * What this broker signs with when it starts, put into the trust set. A rotation outlives a restart: while
 * the configuration still names the issuer that was rotated away, the new one's files are used. An
 * issuer that the trust set does not know is the operator's word: it signs from now on, and verifiers
 * learn it as they connect.
 *
 * @throws BrokerError `ERR_CERTIFICATE`, `ERR_USAGE` when a rotated issuer's files cannot be used
 */
export async function establishSigner(options: EstablishOptions): Promise<SwitchableSigner> {
  const { trust, brokerName, configured, loadIssuer, clock, log } = options
  const { issuers } = await trust.current()
  const thumbprint = configured.certificate.sha256Thumbprint
  const primary = ownIssuer({ issuers }, brokerName, 'primary')
  if (primary?.thumbprint === thumbprint) return new SwitchableSigner(configured)
  const isKnown = issuers.some((issuer) => issuer.thumbprint === thumbprint)
  const files = primary && filesOf(primary)
  if (primary !== undefined && isKnown && files !== undefined) {
    const issuer = await loadIssuer(files)
    checkSame(issuer, primary)
    log.warn('issuer.not-configured', {
      issuer: primary.thumbprint,
      configured: thumbprint,
      ...files,
    })
    return new SwitchableSigner(issuer)
  }
  const nowMs = clock.now()
  await trust.change((current, version) => [
    ...withoutIssuer(current, thumbprint).map((issuer) =>
      issuer.broker === brokerName && issuer.use === 'primary'
        ? retire(issuer, nowMs + DEFAULT_OVERLAP_DAYS * DAY_MS)
        : issuer,
    ),
    ...entriesOf(configured, {
      use: 'primary',
      broker: brokerName,
      addedAtMs: nowMs,
      publishedVersion: version,
    }),
  ])
  if (primary !== undefined) {
    log.warn('issuer.rotated', { from: primary.thumbprint, to: thumbprint, by: 'configuration' })
  }
  return new SwitchableSigner(configured)
}

/** The broker's own issuer of this use, as its entry for gateways says. */
export function ownIssuer(
  { issuers }: Pick<StoredTrustSet, 'issuers'>,
  brokerName: string,
  use: TrustedCertificate['use'],
): TrustedCertificate | undefined {
  return issuers.find(
    (issuer) => issuer.broker === brokerName && issuer.use === use && issuer.purpose === 'gateway',
  )
}

/** One certificate serves gateways and hosts; each purpose has its entry. */
export function entriesOf(
  { certificate }: Pick<Issuer, 'certificate'>,
  fields: Omit<TrustedCertificate, 'thumbprint' | 'purpose' | 'certificatePem'>,
): TrustedCertificate[] {
  const { sha256Thumbprint: thumbprint, pem: certificatePem } = certificate
  return PURPOSES.map((purpose) => ({ ...fields, thumbprint, purpose, certificatePem }))
}

/** Still trusted, until then at the latest. */
export function retire(issuer: TrustedCertificate, untilMs: number): TrustedCertificate {
  return {
    ...issuer,
    use: 'retiring',
    notAfterMs: Math.min(issuer.notAfterMs ?? untilMs, untilMs),
  }
}

export function withoutIssuer(
  { issuers }: Pick<StoredTrustSet, 'issuers'>,
  thumbprint: string,
): TrustedCertificate[] {
  return issuers.filter((issuer) => issuer.thumbprint !== thumbprint)
}

export function filesOf({
  certificateFile,
  privateKeyFile,
}: TrustedCertificate): IssuerFiles | undefined {
  if (certificateFile === undefined || privateKeyFile === undefined) return undefined
  return { certificateFile, privateKeyFile }
}

/** @throws Refusal when the files now hold another issuer than the one that was published */
export function checkSame({ certificate }: Issuer, published: TrustedCertificate): void {
  if (certificate.sha256Thumbprint === published.thumbprint) return
  throw new Refusal(
    'issuer-unknown',
    `${published.certificateFile}: holds ${certificate.sha256Thumbprint}, published was ${published.thumbprint}`,
  )
}
