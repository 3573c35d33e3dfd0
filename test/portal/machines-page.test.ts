import { expect, test } from 'vitest'
import { alice } from './fake-services.ts'
import { Visitor } from './visitor.ts'

test('a tenant without machines is told what will happen', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.vms = []
  expect((await visitor.get('/')).text).toContain('No machines yet')
})

test('a user of the provider is told that machines belong to tenants', async () => {
  const visitor = await Visitor.signedIn()
  const { tenant: _, ...operator } = alice
  visitor.services.session = operator
  visitor.services.vms = []
  expect((await visitor.get('/')).text).toContain('No machines here')
})

test('names that look like markup are shown as they are', async () => {
  const visitor = await Visitor.signedIn()
  visitor.services.vms = [{ id: '"><i>', name: '<script>', kind: '<kind>', consoleAvailable: true }]
  const { text } = await visitor.get('/')
  expect(text).toContain('&lt;script&gt;')
  expect(text).toContain('value="&quot;&gt;&lt;i&gt;"')
  expect(text).not.toMatch(/<script>|<i>|<kind>/)
})
