import { expect, test } from 'vitest'
import { checkConfig, loadGatewayConfig } from '../../src/config/index.ts'
import { GATEWAY, writeConfig } from './files.ts'

const withListener = (more: string): string =>
  writeConfig(GATEWAY.replace(/listeners: .*/, `listeners: [{ address: 0.0.0.0:443, ${more} }]`))

const address = { host: '0.0.0.0', port: 443 }

test('a listener takes the word of its balancers', () => {
  const from = ['192.0.2.11', '2001:db8::/64']
  const path = withListener(`tls: false, proxy: required, from: ${JSON.stringify(from)}`)
  expect(loadGatewayConfig(path, {}).listeners).toEqual([
    { address, tls: false, proxy: 'required', from },
  ])
})

test.each([
  [
    'tls: false',
    ['tls: have false; need true, or proxy: required with the balancers that end TLS in from'],
  ],
  [
    'tls: false, from: [192.0.2.11]',
    ['tls: have false; need true, or proxy: required with the balancers that end TLS in from'],
  ],
  ['proxy: required', ['from: missing; need the addresses of the balancers with proxy: required']],
  [
    'proxy: required, from: ["0.0.0.0/0"]',
    [
      'from.0: have "0.0.0.0/0"; need an address or a network other than /0, for example 192.0.2.11 or 192.0.2.0/28',
    ],
  ],
  [
    'proxy: required, from: [lb1.example]',
    [
      'from.0: have "lb1.example"; need an address or a network other than /0, for example 192.0.2.11 or 192.0.2.0/28',
    ],
  ],
  ['proxy: v1, from: [192.0.2.11]', ['proxy: have "v1"; need off or required']],
])('refuses %s', (more, faults) => {
  const { result } = checkConfig(withListener(more), 'gateway', {})
  const found = 'faults' in result ? result.faults : []
  expect(found.map(({ path, message }) => `${path}: ${message}`)).toEqual(
    faults.map((fault) => `listeners.0.${fault}`),
  )
})
