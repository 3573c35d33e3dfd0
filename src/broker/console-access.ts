import type { Reason } from '../lib/index.ts'
import type { EffectivePolicy } from '../policy/index.ts'
import type { ConsoleKind } from '../rdpfile/index.ts'
import type { Host, VmPlacement } from '../store/index.ts'

/** Whether consoles are allowed, and what says so: `host:ID`, or the layer of policy. */
export interface ConsoleSetting {
  allow: boolean
  source: string
}

/** A host is opted in, and policy may still say no; nothing opens the consoles of a host that is not. */
export function consoleSetting(
  { id, consoleAllow }: Host,
  { allowConsole }: EffectivePolicy,
): ConsoleSetting {
  const denied = consoleAllow && !allowConsole.value
  return denied
    ? { allow: false, source: allowConsole.source }
    : { allow: consoleAllow, source: `host:${id}` }
}

/** Why policy opens no console; undefined when it does. */
export function deniedBy({
  allowConsole: { value, source, unreadable },
}: Pick<EffectivePolicy, 'allowConsole'>): string | undefined {
  if (value) return undefined
  return unreadable === true
    ? `policy: the layer of ${source} cannot be read, so no console opens`
    : `allowConsole: the console of this machine is off, by ${source}`
}

export type ConsoleAccess =
  | { available: true; kind: ConsoleKind }
  | { available: false; reason: Reason; detail: string }

/** Whether a file can open the machine's console now, and why not. */
export function consoleAccess({ vm, host }: VmPlacement, policy: EffectivePolicy): ConsoleAccess {
  if (!host.consoleAllow) {
    return unavailable(
      'host-not-opted-in',
      'Console access is not switched on for the host of this machine.',
    )
  }
  const denied = deniedBy(policy)
  if (denied !== undefined) return unavailable('policy-denied', `${denied}.`)
  switch (host.kind) {
    case 'rdp':
      return { available: true, kind: host.kind }
    case 'hyperv':
    case 'agent':
      return vm.guid === undefined
        ? unavailable('policy-denied', 'The GUID of this machine is not known.')
        : { available: true, kind: host.kind }
    case 'vnc':
      return unavailable('policy-denied', 'The console of this machine opens in a browser only.')
  }
}

function unavailable(reason: Reason, detail: string): ConsoleAccess {
  return { available: false, reason, detail }
}
