import { BrokerError } from '../lib/index.ts'
import type { Certificate } from './certificate.ts'

export const CONTROL_ROLES = ['node', 'broker', 'agent'] as const
export type ControlRole = (typeof CONTROL_ROLES)[number]

/** Who a peer of the control channel is: what the control CA has put into its certificate. */
export interface ControlIdentity {
  role: ControlRole
  /** 1 to 63 letters, digits, dots and dashes. */
  name: string
}

const PREFIX = 'urn:portcullis:control:'
const NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/

/**
 * The identity in a control certificate: its one URI `urn:portcullis:control:<role>:<name>`.
 * Whether the control CA has signed it is for the TLS handshake to find out, before.
 *
 * @returns undefined for a certificate with none, several, or one that is malformed
 */
export function controlIdentityOf({ uris }: Certificate): ControlIdentity | undefined {
  const [uri, second] = uris.filter((candidate) => candidate.startsWith(PREFIX))
  if (uri === undefined || second !== undefined) return undefined
  const [roleText, name = '', rest] = uri.slice(PREFIX.length).split(':')
  const role = CONTROL_ROLES.find((known) => known === roleText)
  if (role === undefined || !NAME.test(name) || rest !== undefined) return undefined
  return { role, name }
}

/** The URI for an identity. @throws BrokerError `ERR_CERTIFICATE` */
export function controlUri({ role, name }: ControlIdentity): string {
  if (!NAME.test(name)) {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `name: need 1 to 63 letters, digits, dots and dashes, have ${JSON.stringify(name)}`,
    )
  }
  return `${PREFIX}${role}:${name}`
}
