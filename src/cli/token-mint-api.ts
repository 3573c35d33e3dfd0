import { z } from 'zod'
import { BrokerError, Secret } from '../lib/index.ts'
import { type ApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { say } from './output.ts'

/** What a request can say; the rest of a token is for the broker to know. */
export interface ApiMintOptions extends ApiOptions {
  vm?: string
  tenant?: string
  user?: string
  clientAddress?: string
  /** Seconds. */
  ttl?: number
  format?: string
}

const openedConsole = z.object({
  ref: z.string(),
  expiresAt: z.string(),
  gatewayToken: z.string().transform((token) => new Secret(token)),
})

/** A gateway token of a console that the broker opens for it, as for `console open`. */
export async function mintByApi({ vm, ttl, format, ...options }: ApiMintOptions): Promise<Secret> {
  if (vm === undefined) {
    throw new BrokerError('ERR_USAGE', '--vm: needed; or --issuer-key, to mint without a broker')
  }
  const { tenant, user, clientAddress } = options
  const body = { vm, tenant, user, clientAddress, ttlSeconds: ttl, tokenFormat: format }
  const access = await findApi(options)
  const opened = await callApi(access, 'POST', '/v1/consoles', { body, answer: openedConsole })
  say(`portcullis: reference ${opened.ref}, to be presented until ${opened.expiresAt}`)
  return opened.gatewayToken
}
