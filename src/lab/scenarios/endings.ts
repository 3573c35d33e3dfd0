import type { Bench, Presented } from '../bench.ts'
import { denied, ends, opens } from '../expectation.ts'
import { Machine, SHORT_SESSION_SECONDS } from '../inventory.ts'
import type { Scenario } from '../scenario.ts'

/** On top of what a limit takes. */
const SPARE_MS = 10_000

/** Sessions that are ended, and what their tokens are worth afterwards. */
export const endings: Scenario[] = [
  {
    name: 'endings.revoked',
    title: 'A revoked console ends at once and opens no more',
    needs: 'a broker that does as the laboratory says',
    async run(bench) {
      const session = await bench.present('opened', await bench.mint(), opens)
      await bench.farm.broker.api('DELETE', `/v1/consoles/${session.ticket.grant?.id}`)
      await bench.end('revoked', session, ends('token-revoked'))
      await bench.present('again', session.ticket, denied('token-revoked'))
    },
  },
  {
    name: 'endings.revoked-unused',
    title: 'A token that is revoked before it was used opens nothing',
    needs: 'a broker that does as the laboratory says',
    async run(bench) {
      const [ticket, other] = [await bench.mint(), await bench.mint()]
      const { jti } = ticket.claims
      await bench.farm.broker.api('POST', '/v1/revocations', { kind: 'jti', value: jti })
      await bench.present('the revoked one', ticket, denied('token-revoked'))
      await bench.present('another one', other, opens)
    },
  },
  {
    name: 'endings.killed',
    title: 'A killed session takes its token with it',
    needs: 'a broker that does as the laboratory says',
    async run(bench) {
      const session = await bench.present('opened', await bench.mint(), opens)
      for (const { id } of await bench.farm.sessions(bench.user)) {
        await bench.farm.broker.api('DELETE', `/v1/sessions/${id}`)
      }
      await bench.end('killed', session, ends('killed'))
      await bench.present('again', session.ticket, denied('killed'))
    },
  },
  {
    name: 'endings.session-limit',
    title: 'The session limit ends a session, and its token',
    waitsSeconds: () => SHORT_SESSION_SECONDS,
    run: (bench) => runOut(bench, Machine.sessionLimit, 'session-limit'),
  },
  {
    name: 'endings.idle-limit',
    title: 'The idle limit ends a session without input, and its token',
    waitsSeconds: () => 60,
    run: (bench) => runOut(bench, Machine.idleLimit, 'idle-limit'),
  },
]

async function runOut(
  bench: Bench,
  machine: Machine,
  reason: 'session-limit' | 'idle-limit',
): Promise<void> {
  const session: Presented = await bench.present('opened', await bench.mint(machine), opens)
  await bench.end('left alone', session, ends(reason), bench.farm.idleMinuteMs + SPARE_MS)
  await bench.present('again', session.ticket, denied(reason))
}
