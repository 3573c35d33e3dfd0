import type { VerifierSession } from '../../src/control/index.ts'
import { type Log, type Reason, silentLog } from '../../src/lib/index.ts'
import type { GatewayClaims, HostClaims } from '../../src/tokens/index.ts'
import { CLAIMS } from '../tokens/minting.ts'

export interface TestSession extends VerifierSession {
  /** Why it was told to end, each time. */
  readonly ends: Reason[]
  /** Its sockets are closed. */
  finish(): void
}

/** A session by a verified token, a gateway's unless `claims` are others. */
export function createTestSession(
  id: string,
  claims: GatewayClaims | HostClaims = CLAIMS,
  log: Log = silentLog,
): TestSession {
  return { ...createUnverifiedSession(id), token: { claims, issuerThumbprint: 'AB' }, log }
}

export function createUnverifiedSession(id: string): TestSession {
  const { promise: done, resolve: finish } = Promise.withResolvers<void>()
  const ends: Reason[] = []
  const end: TestSession['end'] = ({ reason }) => void ends.push(reason)
  return { id, token: undefined, log: silentLog, ends, end, done, finish }
}
