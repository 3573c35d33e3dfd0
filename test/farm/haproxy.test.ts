import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createAuthority } from '../../src/certs/index.ts'
import { type FarmModel, renderHaproxy } from '../../src/farm/index.ts'
import { runProgram, testWithPrograms } from '../helpers/programs.ts'
import { directives, LOOPBACK, PRODUCTION, TERMINATE } from './models.ts'

test('passes TLS through to nodes that are ready, by source address', () => {
  expect(directives(renderHaproxy(LOOPBACK))).toEqual([
    'global',
    'log stdout format raw daemon',
    'fd-hard-limit 100000',
    'hard-stop-after 12h',
    'defaults',
    'mode tcp',
    'log global',
    'option tcplog',
    'option logasap',
    'option dontlognull',
    'timeout connect 3s',
    'timeout queue 5s',
    'timeout check 2s',
    'timeout client 1h',
    'timeout server 1h',
    'timeout tunnel 12h',
    'timeout client-fin 30s',
    'timeout server-fin 30s',
    'frontend clients',
    'bind 127.0.0.1:24500',
    'option clitcpka',
    'default_backend nodes',
    'backend nodes',
    'option srvtcpka',
    'balance source',
    'hash-type consistent',
    'option redispatch 1',
    'retries 2',
    'option httpchk',
    'http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost hdr Connection close',
    'http-check expect status 200',
    'default-server check check-ssl check-alpn http/1.1 check-sni localhost verify none inter 1s fastinter 500ms fall 2 rise 2',
    'server gw1 127.0.0.1:9443',
    'server gw2 127.0.0.1:9444',
  ])
})

test('proves who answers when a CA file is given, and adds what keepalived asks', () => {
  const lines = directives(renderHaproxy(PRODUCTION))
  expect(lines).toEqual(
    expect.arrayContaining([
      'user haproxy',
      'group haproxy',
      'bind 192.0.2.10:443',
      "default-server check check-ssl check-alpn http/1.1 check-sni gateway.example verify required ca-file '/etc/haproxy/portcullis ca.pem' verifyhost gateway.example inter 1s fastinter 500ms fall 2 rise 2",
      'server gw1 192.0.2.21:443',
      'server gw2 [2001:db8::22]:443 send-proxy-v2 check-send-proxy',
      'frontend monitor',
      'bind 127.0.0.1:8405',
    ]),
  )
})

test('ends TLS, and keeps the two halves of a pair on one node by their connection id', () => {
  expect(directives(renderHaproxy(TERMINATE))).toEqual([
    'global',
    'log stdout format raw daemon',
    'fd-hard-limit 100000',
    'hard-stop-after 12h',
    'ssl-load-extra-del-ext',
    ...directives(renderHaproxy(LOOPBACK)).slice(4, 19),
    "bind 192.0.2.10:443 ssl crt '/etc/haproxy/farm tls.crt' alpn http/1.1 ssl-min-ver TLSv1.2",
    'option clitcpka',
    'stick-table type ipv6 size 100k expire 10m store conn_cur',
    'tcp-request connection track-sc0 src',
    'tcp-request connection reject if { sc0_conn_cur gt 1024 }',
    'timeout client 2m',
    'tcp-request inspect-delay 2m',
    'tcp-request content accept if HTTP',
    'tcp-request content reject',
    'default_backend nodes',
    'backend nodes',
    'option srvtcpka',
    'balance hash req.hdr(RDG-Connection-Id),regsub([{}],,g),lower',
    'hash-type consistent',
    'option redispatch 1',
    'retries 2',
    'option httpchk',
    'http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host gateway.example hdr Connection close',
    'http-check expect status 200',
    'default-server check inter 1s fastinter 500ms fall 2 rise 2',
    'server gw1 192.0.2.21:8080 send-proxy-v2 check-send-proxy',
    "server gw2 [2001:db8::22]:443 ssl alpn http/1.1 sni str(gateway.example) check-sni gateway.example verify required ca-file '/etc/haproxy/ca.pem' verifyhost gateway.example send-proxy-v2 check-send-proxy",
  ])
})

test('says of each node how tokens travel to it', () => {
  const [plain = expect.fail(), secured = expect.fail()] = TERMINATE.nodes
  const text = (nodes: FarmModel['nodes']) => renderHaproxy({ ...TERMINATE, nodes })
  expect(text([plain])).toContain('tokens travel readable')
  expect(text([plain])).not.toContain('encrypted once more')
  expect(text([secured])).toContain('encrypted once more')
  expect(text([secured])).not.toContain('tokens travel readable')
})

test('an address as farm name is neither sent as server name nor compared as one', () => {
  const text = renderHaproxy({ ...PRODUCTION, address: '192.0.2.10:443' })
  expect(text).not.toContain('check-sni')
  expect(text).not.toContain('verifyhost')
  const terminating = renderHaproxy({ ...TERMINATE, address: '192.0.2.10:443' })
  expect(terminating).not.toMatch(/sni|verifyhost/)
  expect(terminating).toContain('verify required')
})

test('gives the reason of lines that are not obvious', () => {
  const cases: Array<[FarmModel, string[]]> = [
    [LOOPBACK, ['balance source', 'hash-type consistent', 'option logasap']],
    [TERMINATE, ['ssl-load-extra-del-ext', 'bind ', 'stick-table', 'timeout client 2m', 'balance']],
  ]
  for (const [model, directives] of cases) {
    const lines = renderHaproxy(model).split('\n')
    for (const directive of directives) {
      const index = lines.findIndex((line) => line.trim().startsWith(directive))
      expect(lines.slice(Math.max(0, index - 4), index).join('\n'), directive).toContain('#')
    }
  }
})

testWithPrograms(['haproxy'], 'HAProxy accepts what it renders', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-farm-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const caFile = join(directory, 'the ca.pem')
  const authority = await createAuthority({
    commonName: 'CA',
    organization: 'Example',
    notBefore: new Date(),
    days: 1,
  })
  writeFileSync(caFile, authority.certificatePem)
  const certificateFile = join(directory, 'farm tls.crt')
  writeFileSync(certificateFile, authority.certificatePem)
  writeFileSync(join(directory, 'farm tls.key'), authority.privateKeyPem)
  const models: FarmModel[] = [
    LOOPBACK,
    { ...PRODUCTION, caFile, user: 'root' },
    { ...LOOPBACK, listen: '[::1]:24500', address: '[::1]:24500' },
    { ...TERMINATE, caFile, certificateFile, user: 'root' },
  ]
  for (const [index, model] of models.entries()) {
    const path = join(directory, `${index}.cfg`)
    writeFileSync(path, renderHaproxy(model))
    expect(await runProgram('haproxy', ['-c', '-f', path])).not.toMatch(/WARNING|ALERT/)
  }
})
