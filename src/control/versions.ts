/** Versions of these messages that this code speaks; hello offers them, welcome picks the highest common one. */
export const PROTOCOL_VERSIONS: readonly number[] = [1, 2, 3]
/** From which version on a node knows a message that an older one takes for a broken stream: it is not sent to that one. */
export const SINCE_VERSION: ReadonlyMap<string, number> = new Map([
  ['message', 2],
  ['probe', 3],
])
