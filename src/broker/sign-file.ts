import { BrokerError, type Clock } from '../lib/index.ts'
import { type Publisher, signRdpFile } from '../rdpfile/index.ts'
import { ApiError } from './errors.ts'

/**
 * A console file as it goes out: signed where the broker has a publisher. A file that cannot be signed does not go out at
 * all, since clients would show it as somebody else's.
 *
 * @throws ApiError `unavailable`
 */
export async function signFile(
  file: Uint8Array,
  publisher: Publisher | undefined,
  clock: Clock,
): Promise<Uint8Array> {
  if (publisher === undefined) return file
  assertPublisherValid(publisher, clock)
  try {
    return await signRdpFile(file, publisher)
  } catch (error) {
    throw new ApiError('unavailable', 'The console file could not be signed.', { cause: error })
  }
}

/** @throws ApiError `unavailable` outside the time of the publisher's certificate */
export function assertPublisherValid({ certificate }: Publisher, clock: Clock): void {
  const { notBefore, notAfter } = certificate
  const now = clock.now()
  if (now >= notBefore.getTime() && now <= notAfter.getTime()) return
  throw new ApiError('unavailable', 'The publisher certificate is not valid now.', {
    cause: new BrokerError(
      'ERR_CERTIFICATE',
      `publisher: valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}`,
    ),
  })
}
