import { afterEach, expect, test } from 'vitest'
import { issueCertificate, readCertificate } from '../../src/certs/index.ts'
import type { RedeemAnswer } from '../../src/control/index.ts'
import { Secret } from '../../src/lib/index.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  certificates,
  closeAll,
  foreignCertificates,
  pairOf,
  startClient,
  startServer,
  WITHIN_MS,
} from './support.ts'

afterEach(closeAll)

const soon = <T>(what: string, probe: () => T | undefined | false): Promise<T> =>
  eventually(what, probe, { timeoutMs: WITHIN_MS, intervalMs: 5 })

const redeem = (tunnel: string) => ({
  token: new Secret('a.b.c'),
  clientAddress: '192.0.2.7',
  tunnel,
})

/** Another certificate of gw1, which ends at another time than the first. */
async function renewed() {
  const { controlAuthority: authority } = await certificates()
  const tls = await issueCertificate({
    ...{ organization: 'Example', notBefore: new Date(Date.now() - 60_000), days: 3 },
    ...{ authority, role: 'control', commonName: 'gw1', names: ['gw1'] },
    identity: { role: 'node', name: 'gw1' },
  })
  return { tls, ca: authority.certificatePem }
}

const endOf = ({ certificatePem }: { certificatePem: string }) =>
  readCertificate(certificatePem).notAfter.getTime()

test('shows the broker another certificate, and nobody who waits for an answer notices', async () => {
  const first = Promise.withResolvers<RedeemAnswer>()
  let asked = 0
  const { endpoint, broker } = await startServer({
    change: { redeem: async () => (asked++ === 0 ? first.promise : { ok: true }) },
  })
  const { client, log } = await startClient(endpoint)
  await soon('connected', () => client.connected)
  const before = client.redeem(redeem('t-1'))
  await soon('asked', () => asked === 1)
  const certificate = await renewed()
  client.replaceCertificate(certificate)
  expect(client.connected).toBe(false)
  const meanwhile = client.redeem(redeem('t-2'))
  client.event({ event: 'session.closed', time: 0, fields: { tunnel: 't-0' } })
  expect(await before).toEqual({ ok: true })
  expect(await meanwhile).toEqual({ ok: true })
  await soon('event', () => broker.called('event').length === 1)
  const ends = broker.called('joined').map(({ input }) => input)
  expect(ends).toHaveLength(2)
  expect(ends[1]).toMatchObject({ certificateNotAfterMs: endOf(certificate.tls) })
  expect(log.logged('control.disconnected')).toEqual([])
  first.resolve({ ok: false, reason: 'internal-error' })
})

test('a certificate without its key changes nothing', async () => {
  const { endpoint, broker } = await startServer()
  const { client } = await startClient(endpoint)
  await soon('connected', () => client.connected)
  const { tls, ca } = await renewed()
  const { privateKeyPem } = pairOf((await certificates()).gatewayControl, 'gw2')
  expect(() => client.replaceCertificate({ tls: { ...tls, privateKeyPem }, ca })).toThrow()
  expect(client.connected).toBe(true)
  expect(await client.redeem(redeem('t-1'))).toEqual({ ok: true })
  expect(broker.called('joined')).toHaveLength(1)
})

test('one that the broker does not take costs the channel until there is a better one', async () => {
  const { endpoint } = await startServer()
  const { client } = await startClient(endpoint)
  await soon('connected', () => client.connected)
  const tls = pairOf((await foreignCertificates()).gatewayControl, 'gw1')
  const good = await renewed()
  client.replaceCertificate({ tls, ca: good.ca })
  await expect(client.redeem(redeem('t-1'))).rejects.toMatchObject({ code: 'ERR_NO_ANSWER' })
  client.replaceCertificate(good)
  await soon('connected again', () => client.connected)
  expect(await client.redeem(redeem('t-2'))).toEqual({ ok: true })
})
