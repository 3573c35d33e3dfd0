import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  checkConfig,
  loadBrokerConfig,
  loadFarmConfig,
  loadGatewayConfig,
} from '../../src/config/index.ts'
import { ConfigError } from '../../src/lib/index.ts'
import { BROKER, FARM, GATEWAY, writeConfig } from './files.ts'

/** Faults as `path: message`. */
function faultsOf(text: string, environment: Record<string, string> = {}): string[] {
  const { result } = checkConfig(writeConfig(text), undefined, environment)
  if (!('faults' in result)) return []
  return result.faults.map(({ path, message }) => `${path}: ${message}`)
}

test('a short broker file gives every value', () => {
  const path = writeConfig(BROKER)
  const directory = dirname(path)
  expect(loadBrokerConfig(path, {})).toEqual({
    name: 'broker',
    farm: { name: 'demo', address: 'gateway.example:443' },
    listen: { host: '0.0.0.0', port: 8443 },
    tls: {
      certificateFile: join(directory, 'tls.crt'),
      privateKeyFile: join(directory, 'tls.key'),
    },
    issuer: {
      certificateFile: join(directory, 'keys/issuer.crt'),
      privateKeyFile: '/etc/portcullis/issuer.key',
    },
    store: { file: join(directory, 'portcullis.sqlite') },
    tokens: { lifetimeSeconds: 60, minLifetimeSeconds: 5, maxLifetimeSeconds: 3600 },
    minting: { userPerMinute: 30, tenantPerMinute: 300, openPerUser: 20 },
    clientBinding: 'address',
    leewaySeconds: 5,
    probes: { everySeconds: 60 },
    audit: { keepDays: 365 },
    redeem: { reopenSeconds: 120, maxOpenTunnels: 2, maxOpens: 10 },
    portal: true,
    logLevel: 'info',
    development: false,
  })
})

test('a short gateway file gives every value', () => {
  const path = writeConfig(GATEWAY)
  const config = loadGatewayConfig(path, {})
  expect(config).toMatchObject({
    node: 'gw1',
    listeners: [{ address: { host: '::', port: 443 }, tls: true, proxy: 'off', from: [] }],
    targets: { allow: [{ cidr: '10.20.0.0/16', ports: [3389] }] },
    clientBinding: 'address',
    leewaySeconds: 5,
    fedauth: { accept: false, hosts: [] },
    redeem: { reopenSeconds: 120, maxOpenTunnels: 2, maxOpens: 10 },
    limits: {},
    development: false,
  })
  expect(config.trust[0]).toEqual({
    certificateFile: join(dirname(path), 'issuer.crt'),
    thumbprint: '0123456789ABCDEF0123456789ABCDEF01234567',
    notAfter: new Date('2027-01-31T00:00:00Z'),
  })
})

test('a gateway file may hold the text that users agree to, over several lines', () => {
  const consentText = 'Authorized use only.\nSessions are recorded.'
  const path = writeConfig(`${GATEWAY}\nconsentText: ${JSON.stringify(consentText)}\n`)
  expect(loadGatewayConfig(path, {}).consentText).toBe(consentText)
})

test.each([
  ['nothing', ''],
  ['a tab', 'a\tb'],
  ['1,025 characters', 'x'.repeat(1025)],
])('a consent text of %s is a fault', (_, text) => {
  const [fault] = faultsOf(`${GATEWAY}\nconsentText: ${JSON.stringify(text)}\n`)
  expect(fault).toMatch(/^consentText: have .*; need a text of 1 to 1024 characters/)
})

test('a gateway file may list an issuer for a laboratory, with one echo host by its address', () => {
  const lab = (echoHost: string): string =>
    `${GATEWAY}\nlab: { issuer: { certificateFile: lab.crt, thumbprint: '${'AB'.repeat(20)}' }, echoHost: '${echoHost}' }\n`
  const path = writeConfig(lab('192.0.2.50:7007'))
  expect(loadGatewayConfig(path, {}).lab).toEqual({
    issuer: {
      certificateFile: join(dirname(path), 'lab.crt'),
      thumbprint: 'AB'.repeat(20),
    },
    echoHost: { host: '192.0.2.50', port: 7007 },
  })
  expect(faultsOf(lab('echo.example:7007'))).toEqual([
    'lab.echoHost: have "echo.example:7007"; need a literal address and a port, for example 192.0.2.50:7007',
  ])
})

test('a farm file gives a model of the farm', () => {
  const path = writeConfig(FARM)
  expect(loadFarmConfig(path)).toEqual({
    name: 'north',
    address: 'gateway.example:443',
    mode: 'passthrough',
    listen: '192.0.2.10:443',
    nodes: [{ name: 'gw1', address: '192.0.2.21:443' }],
    caFile: join(dirname(path), 'ca.crt'),
  })
  expect(faultsOf(FARM.replace('passthrough', 'http'))).toEqual([
    'mode: have "http"; need passthrough or terminate',
  ])
})

test('the value is frozen all the way down', () => {
  const config = loadBrokerConfig(writeConfig(BROKER), {})
  expect(Object.isFrozen(config) && Object.isFrozen(config.farm)).toBe(true)
})

test('each role listens on its own port where the file says nothing of that', () => {
  const listen = /^listen(ers)?: .*\n/m
  const control =
    'control: { tls: { certificateFile: c.crt, privateKeyFile: c.key }, caFile: ca.crt }\n'
  const broker = loadBrokerConfig(writeConfig(BROKER.replace(listen, control)), {})
  expect(broker.listen).toEqual({ host: '0.0.0.0', port: 8443 })
  expect(broker.control?.listen).toEqual({ host: '0.0.0.0', port: 8444 })
  const gateway = loadGatewayConfig(writeConfig(GATEWAY.replace(listen, '')), {})
  expect(gateway.listeners).toMatchObject([
    { address: { host: '0.0.0.0', port: 443 }, tls: true, proxy: 'off' },
  ])
})

test('variables go over the file', () => {
  const config = loadBrokerConfig(writeConfig(BROKER), {
    PORTCULLIS_LISTEN: '127.0.0.1:9000',
    PORTCULLIS_TOKENS_LIFETIME_SECONDS: '120',
    PORTCULLIS_PORTAL: 'false',
    PORTCULLIS_API: 'https://elsewhere',
    PORTCULLIS_NODE: "another role's",
    HOME: '/root',
  })
  expect(config.listen).toEqual({ host: '127.0.0.1', port: 9000 })
  expect(config.tokens.lifetimeSeconds).toBe(120)
  expect(config.portal).toBe(false)
})

test('a fault names path, value and fix', () => {
  const cases: Array<[string, string, string]> = [
    [BROKER, 'listen: 0.0.0.0:8443', 'lisen: 0.0.0.0:8443'],
    [BROKER, '0.0.0.0:8443', '8443'],
    [BROKER, '0.0.0.0:8443', 'localhost:8443'],
    [BROKER, 'name: demo', 'name: de'],
    [BROKER, 'certificateFile: tls.crt', 'certificate: tls.crt'],
    [BROKER, 'gateway.example:443', 'gateway.example'],
    [GATEWAY, '10.20.0.0/16', '10.20.0.0/33'],
    [GATEWAY, '[3389]', '[0]'],
    [GATEWAY, "'0123456789ABCDEF0123456789ABCDEF01234567'", '1234'],
    [GATEWAY, '2027-01-31', 'tomorrow'],
    [`${GATEWAY}leewaySeconds: 31`, '', ''],
    [`${GATEWAY}clientBinding: adress`, '', ''],
    [`${GATEWAY}limits: { maxTunnel: 5 }`, '', ''],
    [`${BROKER}tokens: { lifetimeSeconds: 60, maxLifetimeSeconds: 30 }`, '', ''],
    [`${BROKER}development: true`, '', ''],
    [`${GATEWAY}development: true`, '', ''],
  ]
  expect(cases.flatMap(([text, from, to]) => faultsOf(text.replace(from, to)))).toEqual([
    'lisen: unknown setting; did you mean listen?',
    'listen: have 8443; need a literal address and a port, for example 0.0.0.0:443 or "[::]:443"',
    'listen: have "localhost:8443"; need a literal address and a port, for example 0.0.0.0:443 or "[::]:443"',
    'farm.name: have "de"; need 3 to 24 letters and digits',
    'tls.certificateFile: missing; need the name of a PEM file: certificate, then its chain',
    'tls.certificate: unknown setting; did you mean certificateFile?',
    'farm.address: have "gateway.example"; need a DNS name and a port, for example gateway.example:443',
    'targets.allow.0.cidr: have "10.20.0.0/33"; need an address or a network, for example 10.20.0.0/16',
    'targets.allow.0.ports.0: have 0; need a whole number from 1 to 65535',
    'trust.0.thumbprint: have 1234; need SHA-1 or SHA-256 of the certificate in hex, in quotes',
    'trust.0.notAfter: have "tomorrow"; need a time, for example 2026-11-21T12:00:00Z',
    'leewaySeconds: have 31; need a whole number from 0 to 30',
    'clientBinding: have "adress"; need address, prefix or none',
    'limits.maxTunnel: unknown setting; did you mean maxTunnels?',
    'tokens.lifetimeSeconds: have 60; need at most maxLifetimeSeconds',
    'listen: have "0.0.0.0:8443"; need a loopback address with development: true, 0.0.0.0 can be reached from elsewhere',
    'listeners.0.address: have "[::]:443"; need a loopback address with development: true, :: can be reached from elsewhere',
  ])
})

test('a mistyped variable is a fault of its own', () => {
  expect(faultsOf(BROKER, { PORTCULLIS_LISTN: '127.0.0.1:1', PORTCULLIS_PORTAL: 'maybe' })).toEqual(
    [
      'PORTCULLIS_LISTN: names no setting; did you mean PORTCULLIS_LISTEN?',
      'portal: have "maybe"; need true or false',
    ],
  )
})

test('loading throws the first fault and counts the others', () => {
  const path = writeConfig('node: gw1\nfarm: { name: demo }')
  expect(() => loadGatewayConfig(path, {})).toThrow(
    'tls: missing; need certificateFile and privateKeyFile (and 1 more: see portcullis config check)',
  )
})

test('says what is wrong with a file that holds no configuration', () => {
  expect(() => loadBrokerConfig('/nonexistent/broker.yaml', {})).toThrow(ConfigError)
  expect(() => loadBrokerConfig(writeConfig('a: [1'), {})).toThrow('is no YAML: ')
  expect(() => loadBrokerConfig(writeConfig('a: 1\na: 2'), {})).toThrow('Map keys must be unique')
  expect(() => loadBrokerConfig(writeConfig(''), {})).toThrow('configuration: ')
  expect(() => loadBrokerConfig(writeConfig('[]'), {})).toThrow('configuration: ')
  expect(() => checkConfig(writeConfig('a: 1'), undefined, {})).toThrow(
    '--role broker, gateway, host-agent, farm',
  )
  expect(faultsOf('store: 1\n__proto__: { listen: 1 }').length).toBeGreaterThan(0)
})

test('the role can be given or found out', () => {
  expect(checkConfig(writeConfig(GATEWAY), undefined, {})).toMatchObject({ role: 'gateway' })
  expect(checkConfig(writeConfig(BROKER), undefined, {})).toMatchObject({ role: 'broker' })
  expect(checkConfig(writeConfig(FARM), undefined, {})).toMatchObject({ role: 'farm' })
  expect(checkConfig(writeConfig(GATEWAY), 'broker', {}).result).toHaveProperty('faults')
})

test('FedAuth tokens are accepted only with the hosts that verify their own', () => {
  const accept = (hosts: string) => `${GATEWAY}\nfedauth: { accept: true, hosts: ${hosts} }\n`
  const path = writeConfig(accept('["HV1.example:2179"]'))
  expect(loadGatewayConfig(path, {}).fedauth.hosts).toEqual([{ host: 'hv1.example', port: 2179 }])
  expect(faultsOf(accept('[]'))).toEqual([
    'fedauth.hosts: have []; need at least one host with accept',
  ])
  expect(faultsOf(accept('["hv1.example"]'))).toEqual([
    'fedauth.hosts.0: have "hv1.example"; need a host and a port, for example hv1.example:2179',
  ])
})

test('variables of the command line are no settings, and no faults', () => {
  const environment = {
    PORTCULLIS_API: 'https://broker.example',
    PORTCULLIS_CA: 'ca.crt',
    PORTCULLIS_KEY_FILE: 'admin.key',
  }
  expect(loadGatewayConfig(writeConfig(GATEWAY), environment).node).toBe('gw1')
})

test('a file that is not there is named, without the words of the system', () => {
  expect(() => loadGatewayConfig('/nonexistent.yaml', {})).toThrow(
    /^\/nonexistent\.yaml: there is no such file or directory$/,
  )
})

test('a fault of a setting without words of its own is told in ours', () => {
  expect(faultsOf(`${GATEWAY}fedauth: 7\n`)).toEqual(['fedauth: have 7; need an object'])
})
