import { readCertificate } from '../../certs/index.ts'
import type { Clock } from '../../lib/index.ts'
import type { Store, TrustedCertificate, Verifier } from '../../store/index.ts'
import { algorithmsOf, createTrustList } from '../../tokens/index.ts'
import { ApiError, notFound } from '../errors.ts'
import { DEFAULT_OVERLAP_DAYS, withoutIssuer } from '../issuers.ts'
import type { Rotation, RotationState } from '../rotation.ts'
import { defineRoute, type Route } from '../route.ts'
import type { TrustKeeper } from '../trust-keeper.ts'
import {
  acknowledgementBody,
  type IssuerBody,
  issuerBody,
  rotationBody,
  rotationShape,
  trustShape,
} from '../trust-schemas.ts'
import { invalid } from '../validate.ts'

export interface IssuerRouteOptions {
  store: Store
  trust: TrustKeeper
  rotation: Rotation
  clock: Clock
}

/** Whom verifiers trust, who has confirmed it, and the rotation of what this broker signs with. */
export function issuerRoutes(options: IssuerRouteOptions): Route[] {
  const { store, trust, rotation, clock } = options
  const content = { 'application/json': { schema: trustShape } }
  const show = async () => render(await trust.current(), await store.verifiers.list())

  return [
    defineRoute({
      method: 'get',
      path: '/v1/issuers',
      operationId: 'listIssuers',
      summary: 'The trust set with its windows, and what every verifier has applied of it',
      access: 'trust.read',
      answers: { '200': { description: 'The issuers.', content } },
      handle: async () => ({ status: 200, body: await show() }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/issuers/rotation',
      operationId: 'rotateIssuer',
      summary: 'Go on with a rotation as far as possible; again until it is done',
      access: 'trust.write',
      body: rotationBody,
      answers: {
        '200': {
          description: 'Where it stands.',
          content: { 'application/json': { schema: rotationShape } },
        },
      },
      async handle({ body, caller }) {
        const { certificateFile, privateKeyFile, thumbprint, overlapDays, without = [] } = body
        const named = certificateFile !== undefined && privateKeyFile !== undefined
        const state = await rotation.advance({
          ...(named ? { files: { certificateFile, privateKeyFile } } : {}),
          ...(thumbprint === undefined ? {} : { thumbprint }),
          overlapDays: overlapDays ?? DEFAULT_OVERLAP_DAYS,
          without,
          askedBy: caller.name,
        })
        return { status: 200, body: renderRotation(state, (await trust.current()).version) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/issuers/rotation',
      operationId: 'cancelRotation',
      summary: 'Take the next issuer back, before the switch',
      access: 'trust.write',
      answers: { '204': { description: 'It is out of the trust set.' } },
      async handle({ caller }) {
        await rotation.cancel(caller.name)
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'put',
      path: '/v1/issuers/{id}',
      operationId: 'trustIssuer',
      summary: "Trust an issuer that is not this broker's; its id is its SHA-256 thumbprint",
      access: 'trust.write',
      body: issuerBody,
      answers: { '200': { description: 'It is trusted.', content } },
      async handle({ id, body }) {
        await trustIssuer(options, id, body)
        return { status: 200, body: await show() }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/issuers/{id}',
      operationId: 'distrustIssuer',
      summary: 'Trust an issuer no longer, from now on',
      access: 'trust.write',
      answers: { '204': { description: 'It is out of the trust set.' } },
      async handle({ id }) {
        const mine = (await trust.current()).issuers.filter(({ thumbprint }) => thumbprint === id)
        if (mine.length === 0) throw notFound('issuer', id)
        if (mine.some(({ use }) => use === 'primary' || use === 'next')) {
          throw new ApiError('conflict', 'A broker signs with it: rotate it away first.')
        }
        await trust.change((current) => withoutIssuer(current, id))
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'put',
      path: '/v1/issuers/verifiers/{id}',
      operationId: 'acknowledgeVerifier',
      summary: 'Say for a verifier without control channel what has been set up there',
      access: 'trust.write',
      body: acknowledgementBody,
      answers: { '200': { description: 'It counts from now on.', content } },
      async handle({ id, body }) {
        const { version } = await trust.current()
        const trustVersion = body.trustVersion ?? version
        if (trustVersion > version) {
          throw invalid([{ field: 'trustVersion', message: `need ${version} at most` }])
        }
        await store.verifiers.put({
          name: id,
          role: 'external',
          trustVersion,
          revocationVersion: 0,
          lastSeenMs: clock.now(),
        })
        return { status: 200, body: await show() }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/v1/issuers/verifiers/{id}',
      operationId: 'forgetVerifier',
      summary: 'Wait for a verifier no longer; it is back when it connects',
      access: 'trust.write',
      answers: { '204': { description: 'It is forgotten.' } },
      async handle({ id }) {
        const roles = ['node', 'agent', 'external'] as const
        const found = await Promise.all(roles.map((role) => store.verifiers.delete(role, id)))
        if (!found.includes(true)) throw notFound('verifier', id)
        return { status: 204 }
      },
    }),
  ]
}

async function trustIssuer(
  { trust, clock }: IssuerRouteOptions,
  thumbprint: string,
  { certificatePem, purposes = ['gateway', 'host'], notBefore, notAfter }: IssuerBody,
): Promise<void> {
  const entries = purposes.map((purpose) => ({
    purpose,
    ...(notBefore === undefined ? {} : { notBefore: new Date(notBefore) }),
    ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter) }),
  }))
  const certificate = await usableCertificate(certificatePem, entries, clock.now())
  if (certificate.sha256Thumbprint !== thumbprint) {
    const message = `has the SHA-256 thumbprint ${certificate.sha256Thumbprint}`
    throw invalid([{ field: 'certificatePem', message }])
  }
  await trust.change((current, version) => {
    const known = current.issuers.find((issuer) => issuer.thumbprint === thumbprint)
    if (known !== undefined && known.use !== 'trusted') {
      throw new ApiError('conflict', 'It is an issuer of a broker: only a rotation changes it.')
    }
    return [
      ...withoutIssuer(current, thumbprint),
      ...entries.map(({ purpose, ...window }) => ({
        thumbprint,
        purpose,
        certificatePem: certificate.pem,
        use: 'trusted' as const,
        ...(window.notBefore === undefined ? {} : { notBeforeMs: window.notBefore.getTime() }),
        ...(window.notAfter === undefined ? {} : { notAfterMs: window.notAfter.getTime() }),
        addedAtMs: known?.addedAtMs ?? clock.now(),
        publishedVersion: known?.publishedVersion ?? version,
      })),
    ]
  })
}

/** @throws ApiError `validation-failed` for what no verifier would load */
async function usableCertificate(
  certificatePem: string,
  entries: Array<{ purpose: 'gateway' | 'host'; notBefore?: Date; notAfter?: Date }>,
  nowMs: number,
) {
  try {
    const certificate = readCertificate(certificatePem)
    createTrustList(
      entries.map((entry) => ({ certificate, ...entry })),
      nowMs,
    )
    return certificate
  } catch (error) {
    const message = error instanceof Error ? error.message.slice(0, 300) : 'not usable'
    throw invalid([{ field: 'certificatePem', message }])
  }
}

function render(
  { version, issuers }: { version: number; issuers: TrustedCertificate[] },
  verifiers: Verifier[],
) {
  const thumbprints = [...new Set(issuers.map(({ thumbprint }) => thumbprint))]
  const items = thumbprints.map((thumbprint) =>
    renderIssuer(issuers.filter((issuer) => issuer.thumbprint === thumbprint)),
  )
  return {
    trustVersion: version,
    // What signs comes first.
    items: items.toSorted((a, b) => ORDER.indexOf(a.use) - ORDER.indexOf(b.use)),
    verifiers: verifiers.map((verifier) => renderVerifier(verifier, version)),
  }
}

const ORDER: Array<TrustedCertificate['use']> = ['primary', 'next', 'retiring', 'trusted']

/** @param entries of one certificate, one for each purpose */
function renderIssuer(entries: TrustedCertificate[]) {
  const [first] = entries
  if (first === undefined) throw new TypeError('an issuer has an entry')
  const { use, broker, publishedVersion, notBeforeMs, notAfterMs } = first
  const certificate = readCertificate(first.certificatePem)
  const { sha256Thumbprint, sha1Thumbprint, subject, notBefore, notAfter, pem } = certificate
  return {
    sha256Thumbprint,
    sha1Thumbprint,
    subject,
    algorithms: [...algorithmsOf(certificate)],
    purposes: entries.map(({ purpose }) => purpose),
    use,
    ...(broker === undefined ? {} : { broker }),
    notBefore: new Date(Math.max(notBefore.getTime(), notBeforeMs ?? 0)).toISOString(),
    notAfter: new Date(Math.min(notAfter.getTime(), notAfterMs ?? Infinity)).toISOString(),
    publishedVersion,
    certificatePem: pem,
  }
}

function renderVerifier({ lastSeenMs, ...verifier }: Verifier, version: number) {
  return {
    ...verifier,
    current: verifier.trustVersion >= version,
    lastSeenAt: new Date(lastSeenMs).toISOString(),
  }
}

function renderRotation({ lagging, ...state }: RotationState, version: number) {
  return { ...state, lagging: lagging.map((verifier) => renderVerifier(verifier, version)) }
}
