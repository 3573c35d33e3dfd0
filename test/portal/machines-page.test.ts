import { expect, test } from 'vitest'
import { Visitor } from './visitor.ts'

const open = { id: 'vm-1', name: 'web-01', kind: 'rdp', consoleAvailable: true }

test('a tenant without machines is told what will happen', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.vms = []
  expect((await visitor.get('/')).text).toContain('No machines yet')
})

test('names that look like markup are shown as they are', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.vms = [
    { ...open, id: '"><i>', name: '<script>', kind: '<kind>', fileLifetimeSeconds: 120 },
  ]
  const { text } = await visitor.get('/')
  expect(text).toContain('&lt;script&gt;')
  expect(text).toContain('value="&quot;&gt;&lt;i&gt;"')
  expect(text).not.toMatch(/<script>|<i>|<kind>/)
})

test('says how long the files of the machines may be opened, each at its button', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.vms = [{ ...open, fileLifetimeSeconds: 120 }]
  const { text } = await visitor.get('/')
  expect(text).toContain('data-lifetime-seconds="120" data-lifetime="2 minutes"')
  expect(text).toContain('A file is valid for 2 minutes and for one session')
  visitor.services.vms.push({ ...open, id: 'vm-2', fileLifetimeSeconds: 30 })
  const { text: both } = await visitor.get('/')
  expect(both).toContain('data-lifetime-seconds="30" data-lifetime="30 seconds"')
  expect(both).toContain('A file is valid for 30 seconds to 2 minutes')
})

test('a machine whose host is down says so, and its button works all the same', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.vms = [
    { ...open, fileLifetimeSeconds: 120, hostTrouble: 'host-unreachable' },
    { ...open, id: 'vm-2', fileLifetimeSeconds: 120 },
  ]
  const { text } = await visitor.get('/')
  expect(text.match(/The host of this machine does not answer\./g)).toHaveLength(1)
  expect(text).toMatch(/<button[^>]*value="vm-1"[^>]*aria-describedby="vm-0-reason"/)
  expect(text).not.toMatch(/<button[^>]*disabled/)
})
