import { ConfigError } from '../lib/index.ts'
import { checkFarm, type FarmModel, type KeepalivedModel } from './model.ts'

/** Where a balancer's HAProxy tells keepalived, on the same machine, that it reaches a node. */
export const MONITOR_ADDRESS = '127.0.0.1:8405'

const AS_NOBODY = '/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups'
const FIRST_PRIORITY = 150
const PRIORITY_STEP = 10

/**
 * `keepalived.conf` for all balancers of a farm: one file, in which lines that start with `@name` count
 * on the machine of that name only (keepalived 2.0 or later).
 *
 * @throws ConfigError when the model has no `keepalived` part or breaks a rule of {@link checkFarm}
 */
export function renderKeepalived(model: FarmModel): string {
  checkFarm(model)
  const { keepalived, name } = model
  if (keepalived === undefined) {
    throw new ConfigError('keepalived', 'missing; need interface, virtualAddress and balancers')
  }
  return [
    `# Farm ${name}. Written by "portcullis farm render": change the farm and render again.`,
    '# The same file for every balancer: a line that starts with @name counts on the machine with that host',
    '# name (or started with "--config-id name"). HAProxy has to be able to listen on an address that is not',
    '# here yet: net.ipv4.ip_nonlocal_bind = 1, net.ipv6.ip_nonlocal_bind = 1.',
    '',
    ...GLOBAL,
    '',
    ...SCRIPT,
    '',
    ...instance(name, keepalived),
    '',
  ].join('\n')
}

const GLOBAL = [
  'global_defs {',
  '    # Run no script that somebody else than root could have changed.',
  '    enable_script_security',
  '    # The check gives these rights up itself: with another user here "keepalived -t" of 2.2 ends itself.',
  '    script_user root',
  '}',
]

const SCRIPT = [
  'vrrp_script balancer_works {',
  '    # Asks HAProxy itself: a process that only exists is not enough.',
  `    script "${AS_NOBODY} /usr/bin/curl --fail --silent --output /dev/null --max-time 1 http://${MONITOR_ADDRESS}/healthz"`,
  '    interval 2',
  '    fall 2',
  '    rise 2',
  '    # No weight: a failed check is a fault and gives the address up. Lower priority alone would not',
  '    # move it, since the others do not preempt.',
  '}',
]

function instance(farm: string, model: KeepalivedModel): string[] {
  const { balancers, interface: device, virtualAddress, virtualRouterId } = model
  return [
    `vrrp_instance ${farm} {`,
    '    # Everybody starts as BACKUP and nobody preempts: each move of the address ends all consoles, so it',
    '    # stays where it is when the preferred machine comes back.',
    '    state BACKUP',
    '    nopreempt',
    `    interface ${device}`,
    `    virtual_router_id ${virtualRouterId}`,
    '    advert_int 1',
    ...balancers.flatMap(({ name, address }, index) => [
      `    @${name} priority ${FIRST_PRIORITY - index * PRIORITY_STEP}`,
      `    @${name} unicast_src_ip ${address}`,
    ]),
    '    # Addresses instead of multicast, which many networks do not carry.',
    '    unicast_peer {',
    ...balancers.map(({ name, address }) => `        @^${name} ${address}`),
    '    }',
    '    virtual_ipaddress {',
    `        ${virtualAddress}`,
    '    }',
    '    track_script {',
    '        balancer_works',
    '    }',
    '}',
  ]
}
