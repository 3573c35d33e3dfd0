import { BrokerError, errorText } from '../lib/index.ts'
import { parseThumbprint } from '../tokens/index.ts'
import { say } from './output.ts'

/**
 * A thumbprint on a command line, in any spelling; what was taken out of it is said.
 *
 * @returns 40 or 64 upper-case hex digits
 * @throws BrokerError `ERR_USAGE`
 */
export function takeThumbprint(spelled: string): string {
  const { thumbprint, oddities } = parse(spelled)
  for (const oddity of oddities) say(`portcullis: thumbprint: ${oddity}`)
  return thumbprint
}

function parse(spelled: string) {
  try {
    return parseThumbprint(spelled)
  } catch (error) {
    throw new BrokerError('ERR_USAGE', errorText(error), { cause: error })
  }
}
