import { channelDenied, denied, opens, otherMachine, unreachable } from '../expectation.ts'
import { HYPERV_GUID, Machine, OTHER_GUID } from '../inventory.ts'
import type { Scenario } from '../scenario.ts'

/** What a good token does not open. */
export const targets: Scenario[] = [
  {
    name: 'targets.right-vm',
    title: 'On a host with many machines the token opens its own',
    async run(bench) {
      await bench.present('its own GUID', await bench.mint(Machine.hyperv), opens)
    },
  },
  {
    name: 'targets.wrong-vm',
    title: 'On a host with many machines the token opens no other',
    async run(bench) {
      const ticket = await bench.mint(Machine.hyperv)
      const other = { ...ticket, vmGuid: OTHER_GUID }
      await bench.present('the GUID of another machine', other, otherMachine)
      const braces = { ...ticket, vmGuid: `{${HYPERV_GUID}}` }
      await bench.present('its own in another form', braces, otherMachine)
      const plain = await bench.mint()
      const withBlob = { ...plain, vmGuid: HYPERV_GUID }
      await bench.present('a GUID for a host with one machine', withBlob, otherMachine)
    },
  },
  {
    name: 'targets.wrong-target',
    title: 'The client may ask for nothing but what the token names',
    async run(bench) {
      const ticket = await bench.mint()
      const { host, port } = ticket.target
      const denial = channelDenied('target-mismatch')
      await bench.present('another port', { ...ticket, target: { host, port: port - 1 } }, denial)
      const elsewhere = { ...ticket, target: { host: '127.0.0.3', port } }
      await bench.present('another address', elsewhere, denial)
      const named = { ...ticket, target: { host: 'localhost', port } }
      await bench.present('another name for it', named, denial)
    },
  },
  {
    name: 'targets.not-allowed',
    title: 'A node dials nothing that its own file does not allow, whatever a token says',
    async run(bench) {
      const denial = channelDenied('target-not-allowed')
      await bench.present('another port', await bench.mint(Machine.forbidden), denial)
      const metadata = await bench.sign({ dst: '169.254.169.254:80' })
      await bench.present('a metadata service', metadata, denial)
      const elsewhere = await bench.sign({ dst: '192.0.2.1:3389' })
      await bench.present('a host that is none of its own', elsewhere, denial)
    },
  },
  {
    name: 'targets.unreachable',
    title: 'A machine that is off is told apart from one that is forbidden',
    needs: 'a machine that is switched off',
    async run(bench) {
      await bench.present('switched off', await bench.mint(Machine.off), unreachable)
    },
  },
  {
    name: 'targets.other-farm',
    title: 'A token for another farm opens nothing',
    async run(bench) {
      const denial = denied('audience-mismatch')
      await bench.present('another farm', await bench.sign({ aud: 'other' }), denial)
      const browser = await bench.sign({ aud: `${bench.farm.farmName}/browser` })
      await bench.present("this farm's browser consoles", browser, denial)
    },
  },
]
