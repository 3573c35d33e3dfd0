import { fork } from 'node:child_process'
import { once } from 'node:events'
import { controlIdentityOf, type KeyPair, readCertificate } from '../../src/certs/index.ts'
import {
  type ControlClient,
  createControlClient,
  type RedeemAnswer,
} from '../../src/control/index.ts'
import {
  BrokerError,
  type Endpoint,
  Secret,
  silentLog,
  systemClock,
  withDeadline,
} from '../../src/lib/index.ts'
import { IDLE_HANDLERS } from './idle-handlers.ts'

/** What a node needs to dial the broker. */
export interface PresenterOptions {
  control: Endpoint
  controlCa: string
  tls: KeyPair
}

/** Redeems to ask for at once. */
export interface Presentations {
  token: string
  presentations: { clientAddress: string; tunnel: string }[]
}

/** In the order of the presentations; undefined where no answer came. */
export type Answers = (RedeemAnswer | undefined)[]

/** A process of its own that redeems as a node would. */
export interface Presenter {
  present(presentations: Presentations): Promise<Answers>
  stop(): Promise<void>
}

const WITHIN_MS = 20_000

export async function startPresenter(options: PresenterOptions): Promise<Presenter> {
  const child = fork(import.meta.filename, { execArgv: [] })
  const next = async (): Promise<unknown> => {
    const [message] = await withDeadline(once(child, 'message'), WITHIN_MS, 'presenter')
    return message
  }
  const connected = next()
  child.send(options)
  await connected
  return {
    async present(presentations) {
      const answers = next()
      child.send(presentations)
      return (await answers) as Answers // sent by serve() below
    },
    async stop() {
      const ended = once(child, 'exit')
      child.disconnect()
      await withDeadline(ended, WITHIN_MS, 'end of presenter')
    },
  }
}

/** A started client that does nothing with what the broker says. */
export async function connectClient(
  { control, controlCa, tls }: PresenterOptions,
  redeemMs = 10_000,
): Promise<ControlClient> {
  const connected = Promise.withResolvers<void>()
  const client = createControlClient({
    broker: control,
    tls,
    ca: controlCa,
    identify: (der) => controlIdentityOf(readCertificate(der)),
    software: 'test',
    handlers: { ...IDLE_HANDLERS, connected: () => connected.resolve() },
    clock: systemClock,
    log: silentLog,
    limits: { redeemMs },
  })
  client.start()
  await withDeadline(connected.promise, WITHIN_MS, 'connection to the broker')
  return client
}

/** The child's part: first the options come, then presentations, one message each. */
async function serve(): Promise<void> {
  const [options] = await once(process, 'message')
  const client = await connectClient(options)
  process.on('message', ({ token, presentations }: Presentations) => {
    const secret = new Secret(token)
    const asked = presentations.map(async (presentation) => {
      try {
        return await client.redeem({ token: secret, ...presentation })
      } catch (error) {
        if (error instanceof BrokerError && error.code === 'ERR_NO_ANSWER') return undefined
        throw error
      }
    })
    void Promise.all(asked).then((answers) => process.send?.(answers))
  })
  process.once('disconnect', () => void client.close())
  process.send?.('connected')
}

if (process.argv[1] === import.meta.filename) await serve()
