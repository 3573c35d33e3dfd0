import { type Certificate, readCertificate } from '../certs/index.ts'
import { type TrustSet, trustSet } from '../control/index.ts'
import type { Clock, Log } from '../lib/index.ts'
import type { Store, StoredTrustSet, TrustedCertificate } from '../store/index.ts'
import { createTrustList, type TrustList } from '../tokens/index.ts'
import type { Pushes } from './pushes.ts'
import { assertReadable } from './readable.ts'

/** The trust set: kept in the store, held in memory for every redeem, pushed whenever it changes. */
export interface TrustKeeper {
  current(): Promise<StoredTrustSet>
  /** As {@link Store.trust}'s, and tells every verifier. @throws ApiError `validation-failed` for a set that none could read */
  change(change: Parameters<Store['trust']['change']>[0]): Promise<StoredTrustSet>
  /** For verifiers; what has passed its window or expired is left out. */
  forVerifiers(): Promise<TrustSet>
  /** For the broker's own verification. */
  list(): Promise<TrustList>
  /** Takes out what no token can be verified with any more. */
  sweep(): Promise<void>
}

export interface TrustKeeperOptions {
  store: Store
  pushes: Pushes
  clock: Clock
  log: Log
}

export function createTrustKeeper({ store, pushes, clock, log }: TrustKeeperOptions): TrustKeeper {
  const certificates = new Map<string, Certificate>()
  let cached: { set: StoredTrustSet; list: TrustList } | undefined

  const certificateOf = ({ thumbprint, certificatePem }: TrustedCertificate): Certificate => {
    const known = certificates.get(thumbprint)
    if (known !== undefined) return known
    const certificate = readCertificate(certificatePem, `issuer ${thumbprint}`)
    certificates.set(thumbprint, certificate)
    return certificate
  }
  const isOver = (issuer: TrustedCertificate): boolean => {
    const notAfterMs = certificateOf(issuer).notAfter.getTime()
    return Math.min(notAfterMs, issuer.notAfterMs ?? notAfterMs) < clock.now()
  }
  const remember = (set: StoredTrustSet) => {
    const entries = set.issuers
      .filter((issuer) => !isOver(issuer))
      .map((issuer) => ({
        certificate: certificateOf(issuer),
        purpose: issuer.purpose,
        ...(issuer.notBeforeMs === undefined ? {} : { notBefore: new Date(issuer.notBeforeMs) }),
        ...(issuer.notAfterMs === undefined ? {} : { notAfter: new Date(issuer.notAfterMs) }),
      }))
    const fresh = { set, list: createTrustList(entries, clock.now()) }
    // Two changes may come back in another order than they were made in.
    if (cached === undefined || cached.set.version <= set.version) cached = fresh
    return cached
  }
  const load = async () => cached ?? remember(await store.trust.get())
  const render = ({ version, issuers }: StoredTrustSet): TrustSet => ({
    version,
    asOf: clock.now(),
    issuers: issuers.filter((issuer) => !isOver(issuer)).map(toTrustSetIssuer),
  })

  const keeper: TrustKeeper = {
    current: async () => (await load()).set,
    async change(change) {
      const before = (await load()).set.version
      const readable: typeof change = (current, version) => {
        const issuers = change(current, version)
        if (issuers !== undefined) assertReadable(trustSet, render({ version, issuers }))
        return issuers
      }
      const set = await store.trust.change(readable).catch((error: unknown) => {
        // It may have been stored all the same.
        cached = undefined
        throw error
      })
      if (set.version > before) {
        remember(set)
        pushes.push({ type: 'trust', ...render(set) })
        log.info('trust.changed', {
          trustVersion: set.version,
          issuers: set.issuers.map(({ thumbprint, purpose, use }) => ({
            thumbprint,
            purpose,
            use,
          })),
        })
      }
      return set
    },
    forVerifiers: async () => render((await load()).set),
    list: async () => (await load()).list,
    async sweep() {
      if (!(await load()).set.issuers.some(isForgettable)) return
      await keeper.change(({ issuers }) => issuers.filter((issuer) => !isForgettable(issuer)))
    },
  }
  /** What a broker signs with stays, so that it is seen that its certificate has expired. */
  const isForgettable = (issuer: TrustedCertificate): boolean =>
    (issuer.use === 'retiring' || issuer.use === 'trusted') && isOver(issuer)

  return keeper
}

function toTrustSetIssuer(issuer: TrustedCertificate): TrustSet['issuers'][number] {
  const { certificatePem, thumbprint, purpose, notBeforeMs, notAfterMs } = issuer
  return {
    certificatePem,
    sha256Thumbprint: thumbprint,
    purpose,
    ...(notBeforeMs === undefined ? {} : { notBefore: notBeforeMs }),
    ...(notAfterMs === undefined ? {} : { notAfter: notAfterMs }),
  }
}
