import type {
  OpenConsoleInput,
  OpenConsoleResult,
  PortalServices,
  Session,
  SignInInput,
  SignInResult,
  VmSummary,
} from '../../src/broker/index.ts'
import { Secret } from '../../src/lib/index.ts'

export const alice: Session = {
  user: 'alice',
  tenant: { id: 'acme', name: 'Acme & Sons' },
  roles: [],
  csrfToken: 'csrf-of-alice-0123456789',
  expiresAt: new Date('2030-01-01T00:00:00Z'),
}

export const machines: VmSummary[] = [
  {
    id: 'vm-1',
    name: 'web-01',
    kind: 'rdp',
    consoleAvailable: true,
    fileLifetimeSeconds: 120,
  },
  {
    id: 'vm-2',
    name: 'db-01',
    kind: 'hyperv',
    consoleAvailable: false,
    unavailableReason: 'host-not-opted-in',
  },
]

/** A broker in memory: one user, answers that a test replaces, and a record of what was asked. */
export class FakeServices implements PortalServices {
  session: Session = alice
  vms: VmSummary[] = machines
  /** Answer to every sign-in; by default `alice` with password `open sesame` gets in. */
  signInResult: SignInResult | undefined
  openConsoleResult: OpenConsoleResult | Error = {
    ok: true,
    ref: '7K3M-Q2XD',
    fileName: 'web-01-7K3M-Q2XD.rdp',
    rdp: Uint8Array.of(0xff, 0xfe, 0x66, 0x00),
    expiresAt: new Date('2030-01-01T00:00:00Z'),
    sent: () => {
      this.sent += 1
    },
  }
  /** Files that have gone out as a whole. */
  sent = 0

  readonly signIns: SignInInput[] = []
  readonly opened: OpenConsoleInput[] = []
  readonly #tokens = new Set<string>()
  #count = 0

  /** Sessions that have not been ended. */
  get openSessions(): number {
    return this.#tokens.size
  }

  async signIn(input: SignInInput): Promise<SignInResult> {
    this.signIns.push(input)
    if (this.signInResult !== undefined) return this.signInResult
    if (input.user !== 'alice' || input.password.reveal() !== 'open sesame') {
      return { ok: false, code: 'unauthorized', ref: '0000-WRNG' }
    }
    this.#count += 1
    const token = `session-token-number-${this.#count}`
    this.#tokens.add(token)
    return { ok: true, sessionToken: new Secret(token), session: this.session }
  }

  async readSession(sessionToken: Secret): Promise<Session | undefined> {
    return this.#tokens.has(sessionToken.reveal()) ? this.session : undefined
  }

  async signOut(sessionToken: Secret): Promise<void> {
    this.#tokens.delete(sessionToken.reveal())
  }

  async listVms(): Promise<VmSummary[]> {
    return this.vms
  }

  async openConsole(_session: Session, input: OpenConsoleInput): Promise<OpenConsoleResult> {
    this.opened.push(input)
    if (this.openConsoleResult instanceof Error) throw this.openConsoleResult
    return this.openConsoleResult
  }
}
