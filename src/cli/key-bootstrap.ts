import { createFirstApiKey } from '../broker/index.ts'
import { loadBrokerConfig } from '../config/index.ts'
import { BrokerError, type Secret, systemClock } from '../lib/index.ts'
import { openSqliteStore } from '../store/index.ts'

/**
 * Makes the very first key, without a broker: whoever reads its configuration and opens its store may.
 *
 * @param config the broker's YAML file
 * @throws BrokerError `ERR_REFUSED` when there is, or ever was, a key
 */
export async function bootstrapKey(config: string, id: string): Promise<Secret> {
  const { name: brokerName, store: files } = loadBrokerConfig(config)
  const store = await openSqliteStore(files)
  try {
    const key = await createFirstApiKey({ store, brokerName, clock: systemClock }, id)
    if (key !== undefined) return key
  } finally {
    await store.close()
  }
  throw new BrokerError('ERR_REFUSED', 'there is a key already: only the first is made this way')
}
