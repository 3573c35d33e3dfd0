import { plural, type Reason } from '../lib/index.ts'

/** What a tenant reads about a refusal. */
export interface Words {
  /** Heading of the page: what did not happen. */
  title: string
  /** Why, in one sentence. */
  sentence: string
  /** What they can do about it. */
  advice: string
}

/** The reasons of the product that a tenant can meet in the portal, and the API's own codes. */
type TenantCode =
  | Extract<
      Reason,
      | 'host-not-opted-in'
      | 'host-refused'
      | 'host-not-rdp'
      | 'host-tls-mismatch'
      | 'host-unreachable'
      | 'internal-error'
      | 'limit-reached'
      | 'origin-refused'
      | 'policy-denied'
      | 'target-not-allowed'
      | 'vm-unknown'
    >
  | 'conflict'
  | 'forbidden'
  | 'not-found'
  | 'rate-limited'
  | 'unauthorized'
  | 'unavailable'
  | 'validation-failed'

const NOT_OPENED = 'The console was not opened'
const ASK_PROVIDER = 'Ask your provider’s support and give them the reference below.'

const WORDS: Record<TenantCode, Words> = {
  'host-not-opted-in': {
    title: NOT_OPENED,
    sentence: 'Your provider has not switched on console access for this machine.',
    advice: ASK_PROVIDER,
  },
  'policy-denied': {
    title: NOT_OPENED,
    sentence: 'Your provider’s rules do not allow a console for this machine.',
    advice: ASK_PROVIDER,
  },
  'target-not-allowed': {
    title: NOT_OPENED,
    sentence: 'This machine’s address is not one that the gateway may reach.',
    advice: ASK_PROVIDER,
  },
  'limit-reached': {
    title: NOT_OPENED,
    sentence: 'Too many consoles are open at the moment.',
    advice: 'Close one that you no longer need, or try again in a minute.',
  },
  'rate-limited': {
    title: 'Too many requests',
    sentence: 'There were too many requests in a short time.',
    advice: 'Wait a minute, then try again.',
  },
  'host-unreachable': {
    title: NOT_OPENED,
    sentence: 'The host of this machine does not answer.',
    advice: 'Try again in a few minutes; if it stays so, give support the reference below.',
  },
  'host-not-rdp': {
    title: NOT_OPENED,
    sentence: 'The host of this machine answers, but offers no console.',
    advice: ASK_PROVIDER,
  },
  'host-tls-mismatch': {
    title: NOT_OPENED,
    sentence: 'The host of this machine could not prove that it is the right one.',
    advice: ASK_PROVIDER,
  },
  'host-refused': {
    title: NOT_OPENED,
    sentence: 'The host of this machine refused the console.',
    advice: ASK_PROVIDER,
  },
  // A foreign tenant's machine and one that does not exist are told in the same words.
  'vm-unknown': {
    title: 'No such machine',
    sentence: 'There is no such machine among yours.',
    advice: 'It may have been removed or renamed: look at the list again.',
  },
  'not-found': {
    title: 'No such page',
    sentence: 'There is nothing at this address.',
    advice: 'The link may be old or mistyped.',
  },
  forbidden: {
    title: 'Not allowed',
    sentence: 'Your account may not do this.',
    advice: ASK_PROVIDER,
  },
  conflict: {
    title: 'Not done',
    sentence: 'Something changed in the meantime.',
    advice: 'Look at the list again and repeat what you wanted to do.',
  },
  unauthorized: {
    title: 'Not signed in',
    sentence: 'The user name or the password is not right.',
    advice: 'Check both and try again.',
  },
  'validation-failed': {
    title: 'Not understood',
    sentence: 'What the browser sent was incomplete or too long.',
    advice: 'Go back, reload the page and try again.',
  },
  'origin-refused': {
    title: 'Request refused',
    sentence: 'This request did not come from a current page of this portal.',
    advice: 'Go back and try again from there; the portal needs its cookies to be allowed.',
  },
  unavailable: {
    title: 'Not available just now',
    sentence: 'The service cannot answer at the moment.',
    advice: 'Try again in a minute; if it stays so, give support the reference below.',
  },
  'internal-error': {
    title: 'Something went wrong',
    sentence: 'The portal could not finish this because of an error on our side.',
    advice: 'Try again; if it happens again, give support the reference below.',
  },
}

const table = new Map<string, Words>(Object.entries(WORDS))

/** Words for a code; one that has none of its own is worded as an error on our side. */
export function wordsFor(code: string): Words {
  return table.get(code) ?? WORDS['internal-error']
}

/** No more files, since so many can still be opened. */
export function wordsForOpenFiles(count: number): Words {
  return {
    title: NOT_OPENED,
    sentence: `You have ${count} file${count === 1 ? '' : 's'} that can still be opened, and cannot have more at a time.`,
    advice: 'Open one of them, or wait until one has expired.',
  }
}

/** `1 second`, `45 seconds`, `2 minutes`: seconds up to 90, then minutes rounded up. */
export function formatWait(seconds: number): string {
  if (seconds <= 90) return plural(Math.max(1, Math.ceil(seconds)), 'second')
  return plural(Math.ceil(seconds / 60), 'minute')
}
