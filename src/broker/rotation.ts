import { type Clock, type Log, Refusal } from '../lib/index.ts'
import type { Store, TrustedCertificate, Verifier } from '../store/index.ts'
import type { Issuer } from '../tokens/index.ts'
import { ApiError } from './errors.ts'
import {
  checkSame,
  DAY_MS,
  entriesOf,
  filesOf,
  type IssuerFiles,
  type LoadIssuer,
  ownIssuer,
  retire,
  type SwitchableSigner,
  withoutIssuer,
} from './issuers.ts'
import type { TrustKeeper } from './trust-keeper.ts'

export interface RotationRequest {
  /** Absent: go on with the rotation that is running. */
  files?: IssuerFiles
  /** What the operator believes is in the certificate file. */
  thumbprint?: string
  /** How long the old issuer stays trusted after the switch. */
  overlapDays: number
  /** Verifiers that need not have confirmed: an override, and told in the log. */
  without: string[]
  askedBy: string
}

/** Where a rotation stands after it has gone as far as it can. */
export interface RotationState {
  step: 'waiting' | 'done'
  /** SHA-256 thumbprints. */
  signing: string
  next?: string
  /** The version that every verifier has to confirm. */
  needsVersion?: number
  /** Who has not. */
  lagging: Verifier[]
}

export interface Rotation {
  /**
   * Goes on as far as it can: publishes the next issuer, and switches to it once every verifier trusts it.
   * What is done is in the trust set, so asking again after any failure goes on from there.
   *
   * @throws ApiError `conflict`, `validation-failed`
   */
  advance(request: RotationRequest): Promise<RotationState>
  /** Takes the next issuer back before the switch. @throws ApiError `conflict` when there is none */
  cancel(askedBy: string): Promise<void>
}

export interface RotationOptions {
  store: Store
  trust: TrustKeeper
  signer: SwitchableSigner
  brokerName: string
  loadIssuer: LoadIssuer
  clock: Clock
  log: Log
}

export function createRotation(options: RotationOptions): Rotation {
  let last: Promise<unknown> = Promise.resolve()
  /** One at a time: two operators get one rotation. */
  const queued = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }
  return {
    advance: (request) => queued(() => advance(options, request)),
    cancel: (askedBy) => queued(() => cancel(options, askedBy)),
  }
}

async function advance(options: RotationOptions, request: RotationRequest): Promise<RotationState> {
  const { store, trust, signer, brokerName, log } = options
  await catchUp(options)
  const signing = signer.current.certificate.sha256Thumbprint
  const offered = request.files && (await loadOffered(options, request.files, request.thumbprint))
  // The same command again, after its last step was done.
  if (offered?.certificate.sha256Thumbprint === signing) {
    return { step: 'done', signing, lagging: [] }
  }
  const next = await publishNext(options, request, offered)
  const lagging = laggards(await store.verifiers.list(), next)
  const waitFor = lagging.filter(({ name }) => !request.without.includes(name))
  if (waitFor.length > 0) {
    const { thumbprint, publishedVersion: needsVersion } = next
    return { step: 'waiting', signing, next: thumbprint, needsVersion, lagging: waitFor }
  }
  const issuer = offered ?? (await loadPublished(options, next))
  await switchTo(options, next, request.overlapDays)
  signer.switchTo(issuer)
  log.info('issuer.rotated', {
    broker: brokerName,
    from: signing,
    to: next.thumbprint,
    trustVersion: (await trust.current()).version,
    overlapDays: request.overlapDays,
    without: lagging.map(({ name }) => name),
    askedBy: request.askedBy,
  })
  return { step: 'done', signing: next.thumbprint, lagging }
}

/** A switch that was stored, but whose answer was lost: what is stored counts. */
async function catchUp(options: RotationOptions): Promise<void> {
  const { trust, signer, brokerName, log } = options
  const primary = ownIssuer(await trust.current(), brokerName, 'primary')
  const from = signer.current.certificate.sha256Thumbprint
  if (primary === undefined || primary.thumbprint === from || filesOf(primary) === undefined) return
  signer.switchTo(await loadPublished(options, primary))
  log.info('issuer.rotated', { broker: brokerName, from, to: primary.thumbprint, by: 'store' })
}

/** @returns who has not confirmed the version in which the issuer was published */
export function laggards(verifiers: Verifier[], next: TrustedCertificate): Verifier[] {
  return verifiers.filter(({ trustVersion }) => trustVersion < next.publishedVersion)
}

async function publishNext(
  { trust, brokerName, clock, log }: RotationOptions,
  { files, askedBy }: RotationRequest,
  offered: Issuer | undefined,
): Promise<TrustedCertificate> {
  const set = await trust.current()
  const running = ownIssuer(set, brokerName, 'next')
  if (running !== undefined) {
    if (offered !== undefined) refuseOther(offered, running)
    return running
  }
  if (offered === undefined || files === undefined) {
    throw new ApiError('conflict', 'No rotation is running: name the files of the next issuer.')
  }
  const { sha256Thumbprint } = offered.certificate
  if (set.issuers.some(({ thumbprint }) => thumbprint === sha256Thumbprint)) {
    throw new ApiError('conflict', 'This issuer is in the trust set already: make a new one.')
  }
  const changed = await trust.change((current, version) => [
    ...withoutIssuer(current, sha256Thumbprint),
    ...entriesOf(offered, {
      ...files,
      use: 'next',
      broker: brokerName,
      addedAtMs: clock.now(),
      publishedVersion: version,
    }),
  ])
  const next = ownIssuer(changed, brokerName, 'next')
  if (next === undefined) throw new TypeError('the trust set lacks what was just put into it')
  log.info('issuer.published', {
    issuer: next.thumbprint,
    trustVersion: next.publishedVersion,
    askedBy,
  })
  return next
}

function refuseOther({ certificate }: Issuer, { thumbprint }: TrustedCertificate): void {
  if (certificate.sha256Thumbprint === thumbprint) return
  throw new ApiError(
    'conflict',
    `A rotation to ${thumbprint} is running: finish it without naming files, or cancel it.`,
  )
}

/** INVARIANT: the two changes are one: no verifier and no restart sees two primaries, or none. */
async function switchTo(
  { trust, brokerName, clock }: RotationOptions,
  next: TrustedCertificate,
  overlapDays: number,
): Promise<void> {
  const retireAtMs = clock.now() + overlapDays * DAY_MS
  await trust.change(({ issuers }) =>
    issuers.map((issuer) => {
      if (issuer.broker !== brokerName) return issuer
      if (issuer.thumbprint === next.thumbprint) return { ...issuer, use: 'primary' as const }
      return issuer.use === 'primary' ? retire(issuer, retireAtMs) : issuer
    }),
  )
}

async function cancel({ trust, brokerName, log }: RotationOptions, askedBy: string): Promise<void> {
  const next = ownIssuer(await trust.current(), brokerName, 'next')
  if (next === undefined) throw new ApiError('conflict', 'No rotation is running.')
  await trust.change((current) => withoutIssuer(current, next.thumbprint))
  log.info('issuer.withdrawn', { issuer: next.thumbprint, askedBy })
}

async function loadOffered(
  { loadIssuer, clock }: RotationOptions,
  files: IssuerFiles,
  thumbprint: string | undefined,
): Promise<Issuer> {
  const issuer = await loadIssuer(files).catch((error: unknown) => {
    throw refused('certificateFile', error)
  })
  const { notBefore, notAfter, sha256Thumbprint, sha1Thumbprint } = issuer.certificate
  if (thumbprint !== undefined && ![sha256Thumbprint, sha1Thumbprint].includes(thumbprint)) {
    throw invalidField('thumbprint', `the broker's file holds ${sha256Thumbprint}`)
  }
  const nowMs = clock.now()
  if (nowMs < notBefore.getTime() || nowMs + DAY_MS > notAfter.getTime()) {
    const life = `${notBefore.toISOString()} to ${notAfter.toISOString()}`
    throw invalidField('certificateFile', `is valid from ${life}: need it now and for a day`)
  }
  return issuer
}

/** The key is read before the switch: a file that is gone stops the rotation, not the minting. */
async function loadPublished(
  { loadIssuer }: RotationOptions,
  next: TrustedCertificate,
): Promise<Issuer> {
  const files = filesOf(next)
  if (files === undefined) throw new TypeError('an issuer of a rotation has files')
  try {
    const issuer = await loadIssuer(files)
    checkSame(issuer, next)
    return issuer
  } catch (error) {
    throw refused('certificateFile', error)
  }
}

function refused(field: string, error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const message = error instanceof Refusal || error instanceof Error ? error.message : 'unusable'
  return invalidField(field, message.slice(0, 300), error)
}

function invalidField(field: string, message: string, cause?: unknown): ApiError {
  return new ApiError('validation-failed', `${field}: ${message}.`, {
    errors: [{ field, message }],
    cause,
  })
}
