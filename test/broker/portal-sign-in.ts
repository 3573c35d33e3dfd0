import type { PortalServices } from '../../src/broker/index.ts'
import { Secret } from '../../src/lib/index.ts'

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
