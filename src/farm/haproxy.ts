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
    defaults(model),
    model.mode === 'terminate' ? terminatingFrontend(model) : frontend(model),
    backend(model),
    ...(model.keepalived === undefined ? [] : [MONITOR]),
  ]
  return `${sections.join('\n\n')}\n`
}

function global({ user, mode }: FarmModel): string {
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
    ...(mode === 'terminate'
      ? [
          '# A certificate x.crt without a key in it has its key in x.key, not in x.crt.key.',
          'ssl-load-extra-del-ext',
        ]
      : []),
  ])
}

function defaults({ mode }: FarmModel): string {
  return section('defaults', [
    ...(mode === 'terminate'
      ? [
          '# TLS ends here, and what is inside passes untouched: "mode http" would refuse the WebSocket key',
          '# that FreeRDP 2 sends.',
        ]
      : [
          '# TLS ends on the nodes. "mode http" would also refuse the WebSocket key that FreeRDP 2 sends.',
        ]),
    ...DEFAULTS,
  ])
}

const DEFAULTS = [
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
]

const CLIENT_KEEP_ALIVE = [
  '# Keeps quiet consoles in the tables of firewalls and NAT, and notices clients that vanished.',
  'option clitcpka',
]

function frontend({ listen }: FarmModel): string {
  return section('frontend clients', [
    `bind ${listen}`,
    ...CLIENT_KEEP_ALIVE,
    'default_backend nodes',
  ])
}

function terminatingFrontend({ listen, certificateFile }: FarmModel): string {
  return section('frontend clients', [
    '# Newer versions offer HTTP/2 by themselves, in which a client has no connection of its own.',
    `bind ${listen} ssl crt '${certificateFile}' alpn http/1.1 ssl-min-ver TLSv1.2`,
    ...CLIENT_KEEP_ALIVE,
    "# No node sees a connection before its request: what one address may hold here is a node's own limit.",
    'stick-table type ipv6 size 100k expire 10m store conn_cur',
    'tcp-request connection track-sc0 src',
    'tcp-request connection reject if { sc0_conn_cur gt 1024 }',
    '# For TLS and the whole request head. Clients that ask about a certificate say nothing until somebody',
    '# has answered. What is no HTTP, or too long, or late, is closed; the node is chosen by the head.',
    'timeout client 2m',
    'tcp-request inspect-delay 2m',
    'tcp-request content accept if HTTP',
    'tcp-request content reject',
    'default_backend nodes',
  ])
}

function backend(model: FarmModel): string {
  const { nodes, address, mode } = model
  const host = parseEndpoint(address)?.host ?? ''
  return section('backend nodes', [
    'option srvtcpka',
    ...(mode === 'terminate' ? BY_CONNECTION_ID : BY_SOURCE),
    'hash-type consistent',
    '# A node that does not answer is left out at once, before its health check has failed.',
    'option redispatch 1',
    'retries 2',
    '# Ready means: alive, trusts an issuer, not draining. A node that fails keeps the sessions it has.',
    'option httpchk',
    `http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host ${host} hdr Connection close`,
    'http-check expect status 200',
    ...(mode === 'terminate'
      ? [...linkComment(model), `default-server check ${CHECK_TIMES}`]
      : [...checkComment(model), `default-server check ${checkTls(model, host)} ${CHECK_TIMES}`]),
    ...nodes.map((node) => server(node, model, host)),
  ])
}

const BY_SOURCE = [
  '# The two halves of an OUT/IN pair, and every return of a single-use token, have to reach one node,',
  "# and inside TLS the client's address is all that can be seen. Hashing it needs no table: it survives",
  '# reloads and is the same on every balancer; "consistent" moves only a lost node\'s clients.',
  'balance source',
]

const BY_CONNECTION_ID = [
  '# The two halves of an OUT/IN pair have to reach one node, and carry the same id; braces and letter case',
  '# do not count. Hashing it needs no table that clients could fill: it survives reloads and is the same on',
  '# every balancer; "consistent" moves only a lost node\'s share. Requests without an id go in turns.',
  'balance hash req.hdr(RDG-Connection-Id),regsub([{}],,g),lower',
]

const CHECK_TIMES = 'inter 1s fastinter 500ms fall 2 rise 2'

function checkComment({ caFile }: FarmModel): string[] {
  if (caFile !== undefined)
    return ["# Checks speak TLS as clients do, and only to a node with the farm's certificate."]
  return [
    '# Checks speak TLS as clients do. No CA file is given, so they do not prove who answers; clients still do.',
  ]
}

function linkComment({ nodes }: FarmModel): string[] {
  const secured = nodes.some(({ tls = true }) => tls)
  const plain = nodes.some(({ tls = true }) => !tls)
  return [
    '# The PROXY header tells the node who the client is: it binds tokens and counts limits by that.',
    ...(secured
      ? ["# Tokens travel here: only to a node that proves to be the farm's, encrypted once more."]
      : []),
    ...(plain
      ? [
          '# Without "ssl", tokens travel readable: a node on this machine or on a network of their own.',
        ]
      : []),
  ]
}

/** HAProxy compares certificates with DNS names only, and an address is no server name (RFC 6066 section 3). */
function checkTls({ caFile }: FarmModel, host: string): string {
  return [
    'check-ssl',
    'check-alpn http/1.1',
    ...ifName(host, 'check-sni'),
    verify(caFile, host),
  ].join(' ')
}

function server(node: FarmNode, model: FarmModel, host: string): string {
  const { name, address, proxy, tls = true } = node
  const terminates = model.mode === 'terminate'
  return [
    `server ${name} ${address}`,
    ...(terminates && tls
      ? [
          'ssl alpn http/1.1',
          ...(ipaddr.isValid(host) ? [] : [`sni str(${host}) check-sni ${host}`]),
          verify(model.caFile, host),
        ]
      : []),
    ...(terminates || proxy === 'required' ? ['send-proxy-v2 check-send-proxy'] : []),
  ].join(' ')
}

function verify(caFile: string | undefined, host: string): string {
  if (caFile === undefined) return 'verify none'
  return [`verify required ca-file '${caFile}'`, ...ifName(host, 'verifyhost')].join(' ')
}

function ifName(host: string, keyword: string): string[] {
  return ipaddr.isValid(host) ? [] : [`${keyword} ${host}`]
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
