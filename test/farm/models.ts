import type { FarmModel } from '../../src/farm/index.ts'

export const LOOPBACK: FarmModel = {
  name: 'demo',
  address: 'localhost:24500',
  mode: 'passthrough',
  listen: '127.0.0.1:24500',
  nodes: [
    { name: 'gw1', address: '127.0.0.1:9443' },
    { name: 'gw2', address: '127.0.0.1:9444' },
  ],
}

export const PRODUCTION: FarmModel = {
  name: 'north',
  address: 'gateway.example:443',
  mode: 'passthrough',
  listen: '192.0.2.10:443',
  nodes: [
    { name: 'gw1', address: '192.0.2.21:443' },
    { name: 'gw2', address: '[2001:db8::22]:443', proxy: 'required' },
  ],
  caFile: '/etc/haproxy/portcullis ca.pem',
  user: 'haproxy',
  keepalived: {
    interface: 'eth0',
    virtualAddress: '192.0.2.10/24',
    virtualRouterId: 51,
    balancers: [
      { name: 'lb1', address: '192.0.2.11' },
      { name: 'lb2', address: '192.0.2.12' },
    ],
  },
}

/** TLS ends in the balancer; the first node is on its network alone, the other one behind TLS once more. */
export const TERMINATE: FarmModel = {
  name: 'north',
  address: 'gateway.example:443',
  mode: 'terminate',
  listen: '192.0.2.10:443',
  certificateFile: '/etc/haproxy/farm tls.crt',
  nodes: [
    { name: 'gw1', address: '192.0.2.21:8080', tls: false },
    { name: 'gw2', address: '[2001:db8::22]:443' },
  ],
  caFile: '/etc/haproxy/ca.pem',
}

/** What a program reads: no comments, no blank lines, no indentation. */
export function directives(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}
