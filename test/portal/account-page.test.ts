import { expect, test } from 'vitest'
import type { Session } from '../../src/broker/index.ts'
import { alice } from './fake-services.ts'
import { Visitor } from './visitor.ts'

async function pageFor(roles: Session['roles']): Promise<string> {
  const visitor = await Visitor.signedIn()
  const { tenant: _, ...provider } = alice
  visitor.services.session = { ...provider, roles }
  const { status, text } = await visitor.get('/')
  expect(status).toBe(200)
  return text
}

test('a user of the provider sees its roles, and where they are good for something', async () => {
  const text = await pageFor(['support', 'trust-admin'])
  expect(text).toMatch(/<dt>support<\/dt><dd>Read everything;/)
  expect(text).toContain('<dt>trust-admin</dt>')
  expect(text).not.toContain('<dt>operator</dt>')
  expect(text).toContain('href="/v1/openapi.json"')
  expect(text).toContain('alice')
  expect(text).not.toContain('Console</button>')
})

test('one without roles is told what is missing', async () => {
  const text = await pageFor([])
  expect(text).toContain('No roles yet')
  expect(text).not.toContain('/v1/')
})
