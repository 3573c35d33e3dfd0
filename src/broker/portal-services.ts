import type { Reason, Secret } from '../lib/index.ts'
import type { UserRole } from '../store/index.ts'

/**
 * What the portal may ask of the broker. The portal holds no store, no key and no clock: pages in,
 * these calls out. Every method is safe to call with input straight from a request.
 */
export interface PortalServices {
  /** Opens a session. An unknown user and a wrong password take the same time and look the same. */
  signIn(input: SignInInput): Promise<SignInResult>
  /** The session that a cookie names; absent when it is unknown, ended, idle too long or too old. */
  readSession(sessionToken: Secret): Promise<Session | undefined>
  /** Ends the session; an unknown token is no error. */
  signOut(sessionToken: Secret): Promise<void>
  /** Machines of the session's own tenant, by name as people sort (web-2 before web-10); empty for a user without a tenant. */
  listVms(session: Session): Promise<VmSummary[]>
  openConsole(session: Session, input: OpenConsoleInput): Promise<OpenConsoleResult>
}

export interface SignInInput {
  user: string
  password: Secret
  /** Address of the peer, for the limit on failed sign-ins. */
  remoteAddress: string
}

export type SignInResult =
  | {
      ok: true /** Cookie value: 32 random bytes, base64url. */
      sessionToken: Secret
      session: Session
    }
  | {
      ok: false
      code: 'unauthorized' | 'rate-limited'
      /** Whole seconds until another try makes sense; with `rate-limited` only. */
      retryAfterSeconds?: number
      /** What support looks up: `7K3M-Q2XD`. */
      ref: string
    }

export interface Session {
  /** User id, as typed at sign-in. */
  user: string
  /** Absent for a user of the provider. */
  tenant?: { id: string; name: string }
  /** What a user of the provider may do over the API; none for a tenant's. */
  roles: readonly UserRole[]
  /** Every form carries it; compare in constant time. */
  csrfToken: string
  /** The absolute end; an idle session ends earlier. */
  expiresAt: Date
}

export interface VmSummary {
  id: string
  name: string
  /** Kind of the machine's host: `rdp`, `hyperv`, `agent`, `vnc`. */
  kind: string
  consoleAvailable: boolean
  /** How long its file may be opened; present exactly when `consoleAvailable` is true. */
  fileLifetimeSeconds?: number
  /** Present exactly when `consoleAvailable` is false. */
  unavailableReason?: Reason
  /** Why no node gets to the machine's host, as far as they have looked lately: a console would fail. */
  hostTrouble?: Reason
}

export interface OpenConsoleInput {
  vm: string
  /** Address of the browser; kept with the grant. */
  clientAddress: string
}

export type OpenConsoleResult =
  | {
      ok: true
      ref: string
      fileName: string
      rdp: Uint8Array
      expiresAt: Date
      /** To be called once all of the file has left for the browser. */
      sent: () => void
    }
  | {
      ok: false
      /** HTTP status that fits the code. */
      status: number
      /** A `Reason`, or one of the API's own codes such as `not-found`. */
      code: string
      /** One sentence for a person. */
      detail: string
      /** Whole seconds until another try makes sense; with `rate-limited` only. */
      retryAfterSeconds?: number
      /** How many files of the user can still be opened, when no more are given out because of that. */
      openFiles?: number
      ref: string
    }
