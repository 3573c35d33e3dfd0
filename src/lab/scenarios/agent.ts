import { Secret } from '../../lib/index.ts'
import { createIssuer } from '../../tokens/index.ts'
import { createOtherIssuer } from '../certificates.ts'
import { hostDenied, opens, otherMachine } from '../expectation.ts'
import { HYPERV_GUID, Machine } from '../inventory.ts'
import type { HomeScenario } from '../scenario.ts'

/** Host tokens, which a host's agent verifies again; the gateway token beside them is good. */
export const agent: HomeScenario[] = [
  {
    name: 'agent.valid',
    title: 'Behind a host agent a machine opens with both tokens',
    needs: 'a host agent and its broker',
    async run(bench) {
      await bench.present('over WebSocket', await bench.mint(Machine.agent), opens)
      const http = { transport: 'http' } as const
      await bench.present('over OUT and IN', await bench.mint(Machine.agent), opens, http)
    },
  },
  {
    name: 'agent.times',
    title: 'The agent looks at the time by itself',
    needs: 'a host agent and its broker',
    async run(bench) {
      const now = bench.farm.clock.now() / 1000
      const ticket = await bench.mint(Machine.agent)
      const past = { iat: now - 66, nbf: now - 66, exp: now - 6 }
      const expired = await bench.signHost(ticket, past)
      await bench.present('expired 6 s ago', expired, hostDenied('token-expired'))
      const ahead = { iat: now, nbf: now + 6, exp: now + 66 }
      const early = await bench.signHost(await bench.mint(Machine.agent), ahead)
      await bench.present('valid in 6 s', early, hostDenied('token-not-yet-valid'))
    },
  },
  {
    name: 'agent.other-machine',
    title: 'A host token is for one machine on one host',
    needs: 'a host agent and its broker',
    async run(bench) {
      const elsewhere = await bench.signHost(await bench.mint(Machine.agent), { aud: 'another' })
      await bench.present('for another host', elsewhere, hostDenied('audience-mismatch'))
      const ticket = await bench.mint(Machine.agent)
      const other = await bench.signHost(ticket, { vmg: HYPERV_GUID })
      await bench.present('for another machine', other, hostDenied('vm-mismatch'))
      const asked = { ...other, vmGuid: HYPERV_GUID }
      await bench.present('for another machine, which is asked for', asked, otherMachine)
    },
  },
  {
    name: 'agent.signature',
    title: 'The agent looks at issuer, signature and kind by itself',
    needs: 'a host agent and its broker',
    async run(bench) {
      const stranger = await createIssuer(
        await createOtherIssuer('lab host stranger', bench.farm.clock.now()),
      )
      const ticket = await bench.mint(Machine.agent)
      const foreign = await bench.signHost(ticket, {}, stranger)
      await bench.present('signed by a stranger', foreign, hostDenied('issuer-unknown'))
      const { hostToken } = await bench.mint(Machine.agent)
      const [header, claims] = ticket.hostToken?.reveal().split('.') ?? []
      const signature = hostToken?.reveal().split('.')[2]
      const swapped = { ...ticket, hostToken: new Secret([header, claims, signature].join('.')) }
      await bench.present('the signature of another', swapped, hostDenied('signature-invalid'))
      const gateway = { ...ticket, hostToken: ticket.token }
      await bench.present('a gateway token', gateway, hostDenied('token-malformed'))
    },
  },
  {
    name: 'agent.stolen',
    title: 'A host token belongs to the client that came first, with whatever gateway token',
    needs: 'a host agent and its broker',
    async run(bench) {
      const { alice, bob } = bench.farm.clients
      const mine = await bench.mint(Machine.agent)
      await bench.present('its own client', mine, opens, { from: alice })
      const theirs = await bench.mint(Machine.agent)
      const stolen =
        mine.hostToken === undefined ? theirs : { ...theirs, hostToken: mine.hostToken }
      const denial = hostDenied('client-mismatch')
      await bench.present('another client with its own gateway token', stolen, denial, {
        from: bob,
      })
    },
  },
  {
    name: 'agent.revoked',
    title: 'A revoked host token opens nothing',
    needs: 'a host agent and its broker',
    async run(bench) {
      const revoked = await bench.mint(Machine.agent)
      const { jti } = revoked.claims
      await bench.farm.broker.api('POST', '/v1/revocations', { kind: 'jti', value: jti })
      const other = await bench.mint(Machine.agent)
      const mixed =
        revoked.hostToken === undefined ? other : { ...other, hostToken: revoked.hostToken }
      await bench.present('with a good gateway token', mixed, hostDenied('token-revoked'))
    },
  },
]
