import { Refusal, Secret } from '../lib/index.ts'

/** Text of the preconnection blob ([MS-RDPEPS] 2.2.1.2) that opens a console through our host agent. */
export interface PreconnectionText {
  /** GUID of the VM, lower case. */
  vmGuid: string
  hostToken: Secret
}

/** `GUID;Token=<jws>`, for the file's `pcb`. The text holds the token, so it is as secret. */
export function renderPreconnectionText({ vmGuid, hostToken }: PreconnectionText): Secret {
  return new Secret(`${vmGuid};Token=${hostToken.reveal()}`)
}

/**
 * Reads that text strictly: exactly these two parts. Of the token only the form
 * is looked at: three parts of base64url.
 *
 * @throws Refusal `token-malformed`
 */
export function parsePreconnectionText(text: Secret): PreconnectionText {
  const match =
    /^([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12});Token=((?:[\w-]+\.){2}[\w-]+)$/.exec(
      text.reveal(),
    )
  const [, vmGuid, token] = match ?? []
  if (vmGuid === undefined || token === undefined) {
    throw new Refusal('token-malformed', 'preconnection blob: need GUID;Token=<jws>')
  }
  return { vmGuid: vmGuid.toLowerCase(), hostToken: new Secret(token) }
}
