import type { EffectivePolicy } from '../policy/index.ts'
import type { Host } from '../store/index.ts'

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
