import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BrokerError, Secret } from '../../../src/lib/index.ts'
import { parseRdpFile } from '../../../src/rdpfile/index.ts'
import {
  createTrustList,
  inspectToken,
  verifyFedAuthToken,
  verifyGatewayToken,
} from '../../../src/tokens/index.ts'
import { createTestBroker, FARM, giveGuids, NOW_MS, type TestBroker, WEB_GUID } from '../support.ts'

let api: TestBroker

beforeEach(async () => {
  api = await createTestBroker()
})
afterEach(() => api.close())

const verify = (text: string) =>
  verifyGatewayToken(new Secret(text), {
    trust: createTrustList([{ certificate: api.issuer.certificate, purpose: 'gateway' }], NOW_MS),
    nowMs: NOW_MS,
    audience: 'demo',
    leewaySeconds: 0,
  })

/** Four bytes each: as much as 128 characters can be. */
const LONG_USER = '😀'.repeat(128)

/** Host `hv1` as the fixture has it, with changes. */
const putHost = (changes: object) =>
  api
    .put('/v1/hosts/hv1', {
      kind: 'rdp',
      address: '192.0.2.10',
      console: { allow: true },
      ...changes,
    })
    .expect(200)

/** A broker with such an issuer, VM `web` on a Hyper-V host, VM `plain` on one that speaks RDP. */
async function openFedAuth(issuerKey: 'ec-p256' | 'rsa-2048') {
  await api.close()
  api = await createTestBroker({ issuerKey })
  const console = { allow: true }
  await api.put('/v1/hosts/rdp1', { kind: 'rdp', address: '192.0.2.20', console }).expect(201)
  await giveGuids(api)
  await putHost({ kind: 'hyperv' })
  const vm = { name: 'Plain', tenant: 'acme', host: 'rdp1' }
  await api.put('/v1/vms/plain', vm).expect(201)
  return {
    vm: 'web',
    fedAuth: (request: object) => api.post('/v1/consoles', { ...request, tokenFormat: 'fedauth' }),
  }
}

describe('POST /v1/consoles', () => {
  test('names the user that makes a token too long, and how long it may be', async () => {
    await api.close()
    api = await createTestBroker({ issuerKey: 'rsa-2048' })
    await putHost({ address: `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example` })
    const open = (user: string) => api.post('/v1/consoles', { vm: 'web', user })
    const { body } = await open(LONG_USER).expect(400)
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ field: 'user' }] })
    const [, most] = /need at most (\d+) bytes .*, have 512$/.exec(body.errors[0].message) ?? []
    await open('x'.repeat(Math.min(128, Number(most)))).expect(201)
    await open('😀'.repeat(Math.floor(Number(most) / 4))).expect(201)
    expect(api.events('console.refused')[0]).toMatchObject({ code: 'validation-failed' })
  })

  test('answers with token and file, and the token says what the file says', async () => {
    const { body, headers } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ref: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/),
      jti: (await verify(body.gatewayToken)).claims.jti,
      vm: 'web',
      expiresAt: '2030-01-01T12:01:00.000Z',
      gatewayAddress: FARM.address,
      gatewayToken: expect.any(String),
      fileName: `Web-1-${body.ref}.rdp`,
      rdp: expect.any(String),
    })
    expect(headers['cache-control']).toBe('no-store')
    expect(headers.location).toBe(`/v1/consoles/${body.id}`)

    const { claims } = await verify(body.gatewayToken)
    expect(claims).toMatchObject({
      iss: 'broker.example.net',
      aud: 'demo',
      exp: NOW_MS / 1000 + 60,
      tid: 'acme',
      sub: 'key:test',
      vm: 'web',
      knd: 'rdp',
      dst: '192.0.2.10:3389',
    })
    expect(claims).not.toHaveProperty('cip')
    expect(claims).not.toHaveProperty('vmg')

    const file = parseRdpFile(Buffer.from(body.rdp, 'base64'))
    expect(file.get('gatewayaccesstoken')).toBe(body.gatewayToken)
    expect(file.get('gatewayhostname')).toBe(body.gatewayAddress)
    expect(file.get('full address')).toBe(claims.dst)
  })

  test('gives the file itself to who asks for one', async () => {
    const { body, headers } = await api
      .post('/v1/consoles', { vm: 'web' })
      .set('Accept', 'application/x-rdp')
      .buffer()
      .parse((response, done) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => done(null, Buffer.concat(chunks)))
      })
      .expect(201)
    expect(headers['content-type']).toBe('application/x-rdp')
    expect(headers['content-disposition']).toMatch(/^attachment; filename="Web-1-[\w-]{9}\.rdp"$/)
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['x-content-type-options']).toBe('nosniff')
    const file = parseRdpFile(body)
    await verify(file.get('gatewayaccesstoken') ?? '')
  })

  test('takes user, lifetime and client address into the token', async () => {
    const { body } = await api
      .post('/v1/consoles', {
        vm: 'web',
        tenant: 'acme',
        user: 'ann@acme.example',
        via: 'file',
        tokenFormat: 'native',
        ttlSeconds: 5,
        clientAddress: '198.51.100.0/24',
      })
      .expect(201)
    const grant = await api.store.grants.get(body.id)
    expect(grant).toMatchObject({ user: 'ann@acme.example', clientAddress: '198.51.100.0/24' })
    expect(grant?.expiresAtMs).toBe(NOW_MS + 5_000)
  })

  test('uses the address and port of a machine that has its own', async () => {
    const own = { name: 'Web 1', tenant: 'acme', host: 'hv1', address: '2001:db8::7', port: 3390 }
    await api.put('/v1/vms/web', own).expect(200)
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    expect((await verify(body.gatewayToken)).claims.dst).toBe('[2001:db8::7]:3390')
  })

  test('names the GUID for a Hyper-V host', async () => {
    const guid = WEB_GUID.toUpperCase()
    await giveGuids(api, guid)
    await putHost({ kind: 'hyperv' })
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    const { claims } = await verify(body.gatewayToken)
    expect(claims).toMatchObject({ vmg: guid.toLowerCase(), knd: 'hyperv', dst: '192.0.2.10:2179' })
  })

  test.each([
    ['basic', {}, ''],
    ['basic', { mode: 'basic' }, ''],
    ['enhanced', { mode: 'enhanced' }, ';EnhancedMode=1'],
  ])('the file asks a Hyper-V host for its machine in %s mode (%j)', async (_, mode, suffix) => {
    await giveGuids(api)
    await putHost({ kind: 'hyperv', console: { allow: true, ...mode } })
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    const file = parseRdpFile(Buffer.from(body.rdp, 'base64'))
    expect(file.get('pcb')).toBe(WEB_GUID + suffix)
    expect(file.get('full address')).toBe('192.0.2.10:2179')
    expect(file.get('negotiate security layer')).toBe('0')
    expect(file.get('enablecredsspsupport')).toBe('1')
  })

  test.each([
    ['0', { nla: 'off' }],
    ['1', { nla: 'on' }],
    ['1', {}],
  ])('the file has enablecredsspsupport %s for a host with %j', async (setting, nla) => {
    await putHost({ kind: 'rdp', ...nla })
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    const file = parseRdpFile(Buffer.from(body.rdp, 'base64'))
    expect(file.get('negotiate security layer')).toBe('1')
    expect(file.get('enablecredsspsupport')).toBe(setting)
  })

  test('mints a FedAuth token for a Hyper-V host, and knows it by what was signed', async () => {
    const { fedAuth, vm } = await openFedAuth('rsa-2048')
    const { body } = await fedAuth({ vm }).expect(201)
    const { claims } = await verifyFedAuthToken(new Secret(body.gatewayToken), {
      trust: createTrustList([{ certificate: api.issuer.certificate, purpose: 'gateway' }], NOW_MS),
      nowMs: NOW_MS,
    })
    expect(body.gatewayToken).toMatch(
      /^Host=192\.0\.2\.10&Port=2179&ExpiresOn=1893499260&Signature=1/,
    )
    expect(body.expiresAt).toBe('2030-01-01T12:01:00.000Z')
    expect((await api.store.grants.get(body.id))?.jti).toBe(claims.jti)
    const file = parseRdpFile(Buffer.from(body.rdp, 'base64'))
    expect(file.get('gatewayaccesstoken')).toBe(body.gatewayToken)
    expect(api.events('console.minted').at(-1)).toMatchObject({ tokenFormat: 'fedauth' })
  })

  test.each([
    ['an issuer without RSA key', 'ec-p256', { vm: 'web' }],
    ['a token bound to a client', 'rsa-2048', { vm: 'web', clientAddress: '192.0.2.1' }],
    ['a host of another kind', 'rsa-2048', { vm: 'plain' }],
  ] as const)('refuses FedAuth with %s', async (_, issuerKey, request) => {
    const { fedAuth } = await openFedAuth(issuerKey)
    const { body } = await fedAuth(request).expect(422)
    expect(body).toMatchObject({ code: 'policy-denied', errors: [{ field: 'tokenFormat' }] })
  })

  test('logs what was minted, and no token anywhere', async () => {
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    expect(api.events('console.minted')).toEqual([
      expect.objectContaining({ ref: body.ref, tenant: 'acme', vm: 'web', askedBy: 'key:test' }),
    ])
    const everything = JSON.stringify([api.events(), await api.store.grants.get(body.id)])
    expect(everything).not.toContain(body.gatewayToken)
    expect(everything).not.toContain(api.key.reveal())
  })

  test.each([
    ['an unknown machine', { vm: 'nope' }],
    ["another tenant's machine", { vm: 'web', tenant: 'globex' }],
    ['an unknown tenant', { vm: 'web', tenant: 'nobody' }],
  ])('knows no machine for %s', async (_, body) => {
    const answer = await api.post('/v1/consoles', body).expect(404)
    expect(answer.body).toMatchObject({ code: 'vm-unknown', status: 404 })
    expect(api.events('console.refused')).toEqual([
      expect.objectContaining({ code: 'vm-unknown', ref: answer.body.ref }),
    ])
  })

  test('refuses while the host is not opted in', async () => {
    await putHost({ console: { allow: false } })
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(409)
    expect(body.code).toBe('host-not-opted-in')
  })

  test.each(['vnc', 'hyperv', 'agent'] as const)(
    'refuses what a file cannot open: kind %s',
    async (kind) => {
      const host = { id: 'hv1', kind, address: '192.0.2.10', port: 2179, identify: 'ipv4' } as const
      // The API would not put machines without a GUID there; an older store may have some.
      await api.store.hosts.put({ ...host, consoleAllow: true }, NOW_MS)
      const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(422)
      expect(body.code).toBe('policy-denied')
    },
  )

  test('of a host agent carries a host token of the same grant, in JSON and in the file', async () => {
    await giveGuids(api)
    await putHost({ kind: 'agent', port: 2179 })
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(201)
    const { claims: gateway } = await verify(body.gatewayToken)
    const { claims: host, header } = inspectToken(body.hostToken)
    expect(gateway).toMatchObject({ knd: 'agent', vmg: WEB_GUID })
    expect(header).toMatchObject({ typ: 'cht+jwt' })
    const { iss, jti, iat, nbf, exp, vm } = gateway
    expect(host).toEqual({ iss, aud: 'hv1', jti, iat, nbf, exp, vm, vmg: WEB_GUID })
    const file = parseRdpFile(Buffer.from(body.rdp, 'base64'))
    expect(file.get('pcb')).toBe(`${WEB_GUID};Token=${body.hostToken}`)
    expect(JSON.stringify(api.events())).not.toContain(body.hostToken.slice(0, 60))
  })

  test.each([4, 3601, 1_000_000])('refuses a lifetime of %d s by policy', async (ttlSeconds) => {
    const { body } = await api.post('/v1/consoles', { vm: 'web', ttlSeconds }).expect(422)
    expect(body).toMatchObject({
      code: 'policy-denied',
      errors: [{ field: 'ttlSeconds', message: `need 5 to 3600 seconds, have ${ttlSeconds}` }],
    })
  })

  test.each([
    ['vm', {}],
    ['vm', { vm: 7 }],
    ['vm', { vm: '../web' }],
    ['vm', { vm: 'x'.repeat(65) }],
    ['tenant', { vm: 'web', tenant: '' }],
    ['user', { vm: 'web', user: 'a\u0000b' }],
    ['user', { vm: 'web', user: 'u'.repeat(129) }],
    ['ttlSeconds', { vm: 'web', ttlSeconds: 0 }],
    ['ttlSeconds', { vm: 'web', ttlSeconds: 7.5 }],
    ['ttlSeconds', { vm: 'web', ttlSeconds: '60' }],
    ['via', { vm: 'web', via: 'browser' }],
    ['tokenFormat', { vm: 'web', tokenFormat: 'jwt' }],
    ['clientAddress', { vm: 'web', clientAddress: 'localhost' }],
    ['clientAddress', { vm: 'web', clientAddress: '192.0.2.1/33' }],
    ['colour', { vm: 'web', colour: 'red' }],
  ])('names the wrong field: %s', async (field, request) => {
    const { body, headers } = await api.post('/v1/consoles', request).expect(400)
    expect(headers['content-type']).toMatch('application/problem+json')
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ field }] })
  })

  test('answers 503 when the store fails, without saying how', async () => {
    const failure = new BrokerError('ERR_STORE', 'disk I/O error')
    vi.spyOn(api.store.grants, 'insert').mockRejectedValue(failure)
    const { body } = await api.post('/v1/consoles', { vm: 'web' }).expect(503)
    expect(body.code).toBe('unavailable')
    expect(JSON.stringify(body)).not.toContain('disk')
    expect(api.events('console.minted')).toEqual([])
    expect(api.events('request.failed')).toEqual([
      expect.objectContaining({ ref: body.ref, error: 'disk I/O error' }),
    ])
  })
})

describe('GET and DELETE /v1/consoles/{id}', () => {
  test('shows what was minted, never the token', async () => {
    const { body: opened } = await api.post('/v1/consoles', { vm: 'web', user: 'ann' })
    const { body } = await api.get(`/v1/consoles/${opened.id}`).expect(200)
    expect(body).toEqual({
      id: opened.id,
      ref: opened.ref,
      jti: opened.jti,
      vm: 'web',
      tenant: 'acme',
      user: 'ann',
      createdAt: '2030-01-01T12:00:00.000Z',
      expiresAt: opened.expiresAt,
      gatewayAddress: FARM.address,
      fileName: opened.fileName,
    })
  })

  test('revokes, once and again', async () => {
    const { body: opened } = await api.post('/v1/consoles', { vm: 'web' })
    await api.delete(`/v1/consoles/${opened.id}`).expect(204)
    api.clock.advance(1_000)
    await api.delete(`/v1/consoles/${opened.id}`).expect(204)
    const { body } = await api.get(`/v1/consoles/${opened.id}`).expect(200)
    expect(body.revokedAt).toBe('2030-01-01T12:00:00.000Z')
    expect(api.events('token.revoked')).toHaveLength(1)
  })

  test.each(['nope', '%00', 'a%2Fb', 'x'.repeat(200)])('knows no console %s', async (id) => {
    await api.get(`/v1/consoles/${id}`).expect(404)
    await api.delete(`/v1/consoles/${id}`).expect(404)
  })
})
