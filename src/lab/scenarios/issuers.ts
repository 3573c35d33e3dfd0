import { createIssuer, type Issuer } from '../../tokens/index.ts'
import type { Bench } from '../bench.ts'
import { createOtherIssuer } from '../certificates.ts'
import { denied, opens } from '../expectation.ts'
import type { Scenario } from '../scenario.ts'

/** Who has signed, and whether that counts now. */
export const issuers: Scenario[] = [
  {
    name: 'issuers.unknown',
    title: 'What a stranger has signed opens nothing',
    async run(bench) {
      const stranger = await otherIssuer(bench, 'stranger')
      const ticket = await bench.sign({}, stranger)
      await bench.present('signed by a stranger', ticket, denied('issuer-unknown'))
    },
  },
  {
    name: 'issuers.outside-window',
    title: 'An issuer counts within its window only',
    needs: 'a broker that trusts whom the laboratory says',
    async run(bench) {
      const { farm } = bench
      const partner = await otherIssuer(bench, 'partner')
      const at = (seconds: number) => new Date(farm.clock.now() + seconds * 1000).toISOString()
      await farm.trust(partner, { purposes: ['gateway'], notBefore: at(60), notAfter: at(120) })
      const early = await bench.sign({}, partner)
      await bench.present('before the window', early, denied('issuer-outside-window'))
      await farm.moveBy(60)
      const [inside, late] = [await bench.sign({}, partner), await bench.sign({}, partner)]
      await bench.present('in its first second', inside, opens)
      await farm.moveBy(60)
      await bench.present('in its last second', late, opens)
      await farm.moveBy(1)
      const after = await bench.sign({}, partner)
      await bench.present('after the window', after, denied('issuer-outside-window'))
      await farm.distrust(partner)
      await bench.present('after all trust', after, denied('issuer-unknown'))
    },
  },
  {
    name: 'issuers.other-purpose',
    title: 'An issuer that is trusted for hosts opens no gateway',
    needs: 'a broker that trusts whom the laboratory says',
    async run(bench) {
      const partner = await otherIssuer(bench, 'host partner')
      await bench.farm.trust(partner, { purposes: ['host'] })
      const ticket = await bench.sign({}, partner)
      await bench.present('trusted for hosts', ticket, denied('issuer-unknown'))
      await bench.farm.distrust(partner)
    },
  },
  {
    name: 'issuers.rotation-between',
    title: 'A token from before a rotation still opens, until the old issuer is distrusted',
    needs: 'a broker that rotates its issuer',
    async run(bench) {
      const { farm } = bench
      const old = farm.issuer
      const [one, other] = [await bench.mint(), await bench.mint()]
      await farm.rotate()
      await bench.present('signed before the rotation', one, opens)
      await bench.present('signed after it', await bench.mint(), opens)
      await farm.distrust(old)
      await bench.present('signed before, issuer distrusted', other, denied('issuer-unknown'))
      await bench.present('signed after it', await bench.mint(), opens)
    },
  },
]

async function otherIssuer({ farm }: Bench, name: string): Promise<Issuer> {
  return createIssuer(await createOtherIssuer(`lab ${name}`, farm.clock.now()))
}
