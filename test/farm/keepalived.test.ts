import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { renderKeepalived } from '../../src/farm/index.ts'
import { runProgram, testWithPrograms } from '../helpers/programs.ts'
import { directives, LOOPBACK, PRODUCTION } from './models.ts'

test('one file serves every balancer', () => {
  expect(directives(renderKeepalived(PRODUCTION))).toEqual([
    'global_defs {',
    'enable_script_security',
    'script_user root',
    '}',
    'vrrp_script balancer_works {',
    'script "/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/curl --fail --silent --output /dev/null --max-time 1 http://127.0.0.1:8405/healthz"',
    'interval 2',
    'fall 2',
    'rise 2',
    '}',
    'vrrp_instance north {',
    'state BACKUP',
    'nopreempt',
    'interface eth0',
    'virtual_router_id 51',
    'advert_int 1',
    '@lb1 priority 150',
    '@lb1 unicast_src_ip 192.0.2.11',
    '@lb2 priority 140',
    '@lb2 unicast_src_ip 192.0.2.12',
    'unicast_peer {',
    '@^lb1 192.0.2.11',
    '@^lb2 192.0.2.12',
    '}',
    'virtual_ipaddress {',
    '192.0.2.10/24',
    '}',
    'track_script {',
    'balancer_works',
    '}',
    '}',
  ])
})

test('needs to know the balancers', () => {
  expect(() => renderKeepalived(LOOPBACK)).toThrow('keepalived: missing')
})

testWithPrograms(
  ['keepalived', 'curl', 'setpriv'],
  'keepalived accepts what it renders',
  async () => {
    // It wants an interface that exists and is not loopback.
    const device = Object.keys(networkInterfaces()).find((name) => name !== 'lo')
    if (device === undefined) throw new Error('a network interface is needed, besides lo')
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-farm-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'keepalived.conf')
    const keepalived = {
      interface: device,
      virtualAddress: '192.0.2.10/24',
      virtualRouterId: 51,
      balancers: [
        { name: 'lb1', address: '192.0.2.11' },
        { name: 'lb2', address: '192.0.2.12' },
      ],
    }
    writeFileSync(path, renderKeepalived({ ...PRODUCTION, keepalived }))
    for (const name of ['lb1', 'lb2']) {
      await runProgram('keepalived', ['--config-test', '--config-id', name, '--use-file', path])
    }
  },
)
