/** The broker logs that it has decided, and the node that has asked or obeyed tells the same once more. */
const TOLD_TWICE: ReadonlySet<string> = new Set([
  'token.redeemed',
  'token.refused',
  'session.killed',
  'redeem.conflict',
])

/** Fields of a line of the log, as far as they say whose tunnel it is about. */
interface Told {
  node?: unknown
  agent?: unknown
  tunnel?: unknown
}

/**
 * Two lines of the same name, one by the broker and one `toldBy` a node or an agent, are about one happening.
 *
 * @returns undefined for what is told once
 */
export function happeningOf(
  event: string,
  { node, agent = node, tunnel }: Told,
): string | undefined {
  if (tunnel === undefined || !TOLD_TWICE.has(event)) return undefined
  return `${event} ${agent}/${tunnel}`
}
