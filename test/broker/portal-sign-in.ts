import type { PortalServices } from '../../src/broker/index.ts'
import { Secret } from '../../src/lib/index.ts'
import type { UserRole } from '../../src/store/index.ts'
import type { TestBroker } from './support.ts'

type SignInResult = Awaited<ReturnType<PortalServices['signIn']>>

/** Signs in from an address of the documentation range, with success or without. */
export function trySignIn(
  services: PortalServices,
  user: string,
  password: string,
  remoteAddress = '192.0.2.99',
): Promise<SignInResult> {
  return services.signIn({ user, password: new Secret(password), remoteAddress })
}

/** Signs in as `ann` unless told; anything but success fails the test. */
export async function signIn(
  services: PortalServices,
  user = 'ann',
  password = 'correct horse',
): Promise<SignInResult & { ok: true }> {
  const result = await trySignIn(services, user, password)
  if (!result.ok) throw new Error(result.code)
  return result
}

const HOST = 'portal.example.net:8443'
export const ORIGIN = `https://${HOST}`

/** The API as it is asked by a page in a browser with somebody's session. */
export type Browser = (
  method: 'get' | 'put' | 'post' | 'delete',
  path: string,
  /** Of the page; absent: the broker's own; empty: not told. */
  origin?: string,
) => ReturnType<TestBroker['anonymous']['get']>

/** Signs in, as `ann` unless told. */
export async function browse(api: TestBroker, user?: string, password?: string): Promise<Browser> {
  const { sessionToken } = await signIn(api.broker.services, user, password)
  return (method, path, origin = ORIGIN) => {
    const asked = api.anonymous[method](path)
      .set('Host', HOST)
      .set('Cookie', `__Host-portcullis=${sessionToken.reveal()}`)
    return origin === '' ? asked : asked.set('Origin', origin)
  }
}

/** A new user of the provider with these roles, who signs in. */
export async function browseWith(
  api: TestBroker,
  roles: readonly UserRole[],
  user = 'eve',
): Promise<Browser> {
  const password = 'correct pony'
  await api.put(`/v1/users/${user}`, { password, roles }).expect(201)
  return browse(api, user, password)
}
