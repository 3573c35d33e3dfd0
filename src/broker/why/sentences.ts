import type { Line } from './lines.ts'

/** What a line of the log says, in words for somebody who has never seen one. */
export function sentenceOf(line: Line): string {
  const write = SENTENCES[line.event]
  return write === undefined ? line.event : write(line)
}

const SENTENCES: Readonly<Record<string, (line: Line) => string>> = {
  'console.minted': ({ vm, host, user, askedBy, remoteAddress, expiresAt }) =>
    `File made for ${vm} on host ${host}, for ${user}, asked by ${askedBy}${from(remoteAddress)}; to be opened until ${expiresAt}`,
  'console.fetched': ({ askedBy, remoteAddress }) =>
    `File handed out to ${askedBy}${remoteAddress === undefined ? '' : ` at ${remoteAddress}`}`,
  'console.refused': (line) => `No file for ${line.vm}, asked by ${line.askedBy}: ${why(line)}`,
  'token.redeemed': (line) =>
    `Presented${from(line.remoteAddress)}, and admitted${PRESENTATIONS[line.presentation ?? ''] ?? ''}`,
  'token.refused': (line) =>
    line.verified
      ? `Presented${from(line.remoteAddress)}, and refused: ${why(line)}`
      : `Something that was not verified came${from(line.remoteAddress)}, and was refused: ${why(line)}`,
  'token.revoked': ({ askedBy }) => `Revoked by ${askedBy}`,
  'redeem.conflict': ({ lost }) =>
    `Two clients were let in with this token while no broker answered; the one at ${lost ?? 'the other node'} loses`,
  'tunnel.created': ({ transport, remoteAddress, consentAsked }) =>
    `Tunnel opened${from(remoteAddress)}${transport === undefined ? '' : ` over ${transport}`}${consentAsked === true ? '; the user was asked to consent' : ''}`,
  'channel.opened': ({ host }) =>
    `Connected to the machine${host === undefined ? '' : ` at ${host}`}`,
  'channel.refused': (line) => `Not connected to the machine: ${why(line)}`,
  'session.closed': (line) => `Session ended: ${why(line)}${used(line)}`,
  'session.reconnected': ({ remoteAddress }) => `The same client came back${from(remoteAddress)}`,
  'session.killed': ({ askedBy, reason }) =>
    askedBy === undefined
      ? `The broker ended it: ${reason}`
      : `Ended by ${askedBy}, and its token is worthless now`,
  'session.messaged': ({ askedBy }) =>
    askedBy === undefined ? 'A message was shown to the user' : `A message was sent by ${askedBy}`,
  'host.refused': (line) => `Refused by the host: ${why(line)}`,
  'auth.failed': (line) =>
    `Nobody we know${from(line.remoteAddress)} at ${place(line)}: ${why(line)}`,
  'request.refused': (line) => `Refused at ${place(line)}${by(line)}: ${why(line)}`,
  'portal.refused': (line) => `Refused by the portal at ${place(line)}${by(line)}: ${why(line)}`,
  'request.failed': (line) =>
    `Failed at ${place(line)}${by(line)}: ${line.code ?? 'internal-error'}`,
}

const PRESENTATIONS: Readonly<Record<string, string>> = {
  first: ' for the first time',
  again: ' once more',
  retry: ', as it was already',
  reconnect: ' within its reconnect window',
  'conflict-won': ', since it was there first',
}

function from(address: string | undefined): string {
  return address === undefined ? '' : ` from ${address}`
}

function by({ askedBy, remoteAddress }: Line): string {
  return askedBy === undefined ? from(remoteAddress) : ` for ${askedBy}`
}

function place({ method, path }: Line): string {
  return path === undefined ? 'sign-in' : `${method} ${path}`
}

/** Reason, and the detail where it says more. */
function why({ reason, code, error }: Line): string {
  const word = reason ?? code ?? 'no reason is known'
  return error === undefined || error === '' ? word : `${word} (${error})`
}

function used({ durationMs, bytesIn, bytesOut }: Line): string {
  if (durationMs === undefined) return ''
  const bytes = bytesIn === undefined ? '' : `, ${bytesIn} bytes in, ${bytesOut} out`
  return `, after ${Math.round(durationMs / 1000)} s${bytes}`
}
