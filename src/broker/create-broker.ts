import type Koa from 'koa'
import { type Clock, errorText, type Log } from '../lib/index.ts'
import type { Store } from '../store/index.ts'
import type { Issuer } from '../tokens/index.ts'
import { createApp } from './app.ts'
import { createAuthenticate } from './authenticate.ts'
import { createConsoles, DEFAULT_LIFETIME, type Farm, type LifetimePolicy } from './consoles.ts'
import { createPortalServices } from './create-portal-services.ts'
import { renderOpenApi } from './openapi.ts'
import type { PasswordCost } from './passwords.ts'
import type { PortalServices } from './portal-services.ts'
import type { Route } from './route.ts'
import { consoleRoutes } from './routes/consoles.ts'
import { inventoryRoutes } from './routes/inventory.ts'
import { serviceRoutes } from './routes/service.ts'

/** Support can look a reference up for so long. */
const KEEP_GRANTS_MS = 30 * 24 * 60 * 60_000
const SWEEP_EVERY_MS = 60 * 60_000
/** A client's own dialogs come first, so a file from the portal lives longer than one from the API. */
const PORTAL_LIFETIME_SECONDS = 120

export interface BrokerOptions {
  /** Stays the caller's: it is not closed with the broker. */
  store: Store
  issuer: Issuer
  /** `iss` of the tokens. */
  name: string
  farm: Farm
  clock: Clock
  log: Log
  lifetime?: LifetimePolicy
  /** Development certificates on localhost: no Strict-Transport-Security. */
  development?: boolean
  passwordCost?: PasswordCost
}

export interface Broker {
  /** Answers the API; the portal is mounted after it with `app.use`. */
  app: Koa
  services: PortalServices
  /** How long the portal's files may be opened: 120 s, or what policy allows. */
  portalFileLifetimeSeconds: number
  /** Ends what runs by itself; requests are the server's business. */
  close(): void
}

export function createBroker(options: BrokerOptions): Broker {
  const { store, issuer, name, farm, clock, log, lifetime = DEFAULT_LIFETIME } = options
  const consoles = createConsoles({ store, issuer, brokerName: name, farm, lifetime, clock, log })
  const routes: Route[] = [
    ...consoleRoutes(consoles, farm.address),
    ...inventoryRoutes(store, clock),
    ...serviceRoutes({ store, issuer, clock, openApi: () => document }),
  ]
  const document = renderOpenApi(routes)
  const fileLifetimeSeconds = Math.min(
    Math.max(PORTAL_LIFETIME_SECONDS, lifetime.min),
    lifetime.max,
  )
  const sweeping = setInterval(() => void sweep(options), SWEEP_EVERY_MS).unref()

  return {
    app: createApp({
      routes,
      authenticate: createAuthenticate(store),
      log,
      strictTransportSecurity: options.development !== true,
    }),
    services: createPortalServices({ ...options, consoles, fileLifetimeSeconds }),
    portalFileLifetimeSeconds: fileLifetimeSeconds,
    close: () => clearInterval(sweeping),
  }
}

async function sweep({ store, clock, log }: BrokerOptions): Promise<void> {
  try {
    await store.grants.deleteExpiredBefore(clock.now() - KEEP_GRANTS_MS)
    await store.sessions.deleteExpiredBefore(clock.now())
  } catch (error) {
    log.error('store.sweep-failed', { error: errorText(error) })
  }
}
