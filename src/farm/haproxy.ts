import ipaddr from 'ipaddr.js'
import { parseEndpoint } from '../lib/index.ts'
import { MONITOR_ADDRESS } from './keepalived.ts'
import { checkFarm, type FarmModel, type FarmNode } from './model.ts'

/**
 * `haproxy.cfg` for a farm (HAProxy 2.6 or later): complete, to be used as it is.
 *
 * @throws ConfigError when the model breaks a rule of {@link checkFarm}
 */
export function renderHaproxy(model: FarmModel): string {
  checkFarm(model)
  const sections = [
    `# Farm ${model.name}, mode ${model.mode}. Written by "portcullis farm render": change the farm and render again.`,
    global(model),
    DEFAULTS,
    frontend(model),
    backend(model),
    ...(model.keepalived === undefined ? [] : [MONITOR]),
  ]
  return `${sections.join('\n\n')}\n`
}

function global({ user }: FarmModel): string {
  return section('global', [
    'log stdout format raw daemon',
    ...(user === undefined
      ? []
      : ['# When root starts it, for a port below 1024.', `user ${user}`, `group ${user}`]),
    '# HAProxy works out its maxconn from the file descriptors it may have (two a connection); without',
    '# this cap it reserves memory for every one that the system would allow, and that can be a billion.',
    'fd-hard-limit 100000',
    '# After a reload the old process lives as long as its longest session, but no longer than this.',
    'hard-stop-after 12h',
  ])
}

const DEFAULTS = section('defaults', [
  '# TLS ends on the nodes. "mode http" would also refuse the WebSocket key that FreeRDP 2 sends.',
  'mode tcp',
  'log global',
  'option tcplog',
  "# Sessions last for hours: log them when they begin. Bytes and durations are in the nodes' own logs.",
  'option logasap',
  '# Health checks and port scans of neighbours connect and say nothing.',
  'option dontlognull',
  'timeout connect 3s',
  'timeout queue 5s',
  'timeout check 2s',
  "# Far above the nodes' KEEPALIVE every 30 s: an idle console must never end here.",
  'timeout client 1h',
  'timeout server 1h',
  "# Takes the place of both once a connection stands. How long a session may last is the nodes' business.",
  'timeout tunnel 12h',
  "# One side has gone: give the other a moment, not the tunnel's 12 h.",
  'timeout client-fin 30s',
  'timeout server-fin 30s',
])

function frontend({ listen }: FarmModel): string {
  return section('frontend clients', [
    `bind ${listen}`,
    '# Keeps quiet consoles in the tables of firewalls and NAT, and notices clients that vanished.',
    'option clitcpka',
    'default_backend nodes',
  ])
}

function backend(model: FarmModel): string {
  const { nodes, address } = model
  const host = parseEndpoint(address)?.host ?? ''
  return section('backend nodes', [
    'option srvtcpka',
    '# The two halves of an OUT/IN pair, and every return of a single-use token, have to reach one node,',
    "# and inside TLS the client's address is all that can be seen. Hashing it needs no table: it survives",
    '# reloads and is the same on every balancer; "consistent" moves only a lost node\'s clients.',
    'balance source',
    'hash-type consistent',
    '# A node that does not answer is left out at once, before its health check has failed.',
    'option redispatch 1',
    'retries 2',
    '# Ready means: alive, trusts an issuer, not draining. A node that fails keeps the sessions it has.',
    'option httpchk',
    `http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host ${host} hdr Connection close`,
    'http-check expect status 200',
    ...checkComment(model),
    `default-server check ${checkOptions(model, host)} inter 1s fastinter 500ms fall 2 rise 2`,
    ...nodes.map(server),
  ])
}

function checkComment({ caFile }: FarmModel): string[] {
  if (caFile !== undefined)
    return ["# Checks speak TLS as clients do, and only to a node with the farm's certificate."]
  return [
    '# Checks speak TLS as clients do. No CA file is given, so they do not prove who answers; clients still do.',
  ]
}

/** HAProxy compares certificates with DNS names only, and an address is no server name (RFC 6066 section 3). */
function checkOptions({ caFile }: FarmModel, host: string): string {
  const isName = !ipaddr.isValid(host)
  return [
    'check-ssl',
    'check-alpn http/1.1',
    ...(isName ? [`check-sni ${host}`] : []),
    ...(caFile === undefined
      ? ['verify none']
      : [`verify required ca-file '${caFile}'`, ...(isName ? [`verifyhost ${host}`] : [])]),
  ].join(' ')
}

function server({ name, address, proxy }: FarmNode): string {
  const header = proxy === 'required' ? ' send-proxy-v2 check-send-proxy' : ''
  return `server ${name} ${address}${header}`
}

const MONITOR = section('frontend monitor', [
  '# What keepalived asks: this balancer is of use while it reaches a node.',
  'mode http',
  `bind ${MONITOR_ADDRESS}`,
  'option dontlog-normal',
  'timeout http-request 2s',
  'acl nobody_ready nbsrv(nodes) lt 1',
  'monitor fail if nobody_ready',
  'monitor-uri /healthz',
])

function section(head: string, lines: string[]): string {
  return [head, ...lines.map((line) => `    ${line}`)].join('\n')
}
