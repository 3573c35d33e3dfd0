/** One direction of a relay, as seen by the watch over slow peers. */
export interface Direction {
  /** Bytes wait for the receiving side. */
  readonly waiting: boolean
  /** Grows whenever that side takes some. */
  readonly taken: number
}

/**
 * Calls `onStall` once the receiving side has taken nothing during a whole period in which bytes waited
 * for it: after one to two periods. Nothing is done per packet but counting.
 */
export function watchForStall(
  direction: Direction,
  periodMs: number,
  onStall: () => void,
): NodeJS.Timeout {
  let waited = false
  let taken = direction.taken
  return setInterval(() => {
    if (waited && direction.waiting && taken === direction.taken) onStall()
    waited = direction.waiting
    taken = direction.taken
  }, periodMs)
}
