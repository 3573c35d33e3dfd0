/**
 * A process that speaks for one node: presents a token from several addresses at once over the control
 * channel, and tells its parent which were admitted.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { controlIdentityOf, readCertificate } from '../../src/certs/index.ts'
import { createControlClient } from '../../src/control/index.ts'
import { Secret, silentLog, systemClock } from '../../src/lib/index.ts'

export interface RedeemOrder {
  /** Holds `control.crt`, `control.key` and `control-ca.crt` of the node. */
  directory: string
  port: number
  /** What to present, by rounds: each as many times as there are addresses. */
  token: string
  presentations: Array<{ tunnel: string; clientAddress: string }>
}

export type RedeemReport = { ready: true } | { admitted: string[]; reasons: string[] }

function tell(report: RedeemReport): void {
  process.send?.(report)
}

function connect({ directory, port }: RedeemOrder) {
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8')
  const connected = Promise.withResolvers<void>()
  const client = createControlClient({
    broker: { host: 'localhost', port },
    tls: { certificatePem: read('control.crt'), privateKeyPem: read('control.key') },
    ca: read('control-ca.crt'),
    identify: (certificate) => controlIdentityOf(readCertificate(certificate)),
    software: 'test',
    clock: systemClock,
    log: silentLog,
    handlers: {
      versions: () => ({ trust: 0, revocations: 0 }),
      applyTrust: () => {},
      applyRevocations: () => {},
      confirm: () => {},
      kill: () => {},
      tunnels: () => [],
      connected: () => connected.resolve(),
    },
  })
  client.start()
  return { client, connected: connected.promise }
}

let connection: ReturnType<typeof connect> | undefined

async function obey(order: RedeemOrder): Promise<void> {
  if (connection === undefined) {
    connection = connect(order)
    await connection.connected
    tell({ ready: true })
    return
  }
  const { client } = connection
  const token = new Secret(order.token)
  const answers = await Promise.all(
    order.presentations.map((presentation) => client.redeem({ token, ...presentation })),
  )
  tell({
    admitted: order.presentations
      .filter((_, index) => answers[index]?.ok)
      .map(({ clientAddress }) => clientAddress),
    reasons: answers.flatMap((answer) => (answer.ok ? [] : [answer.reason])),
  })
}

process.on('message', (order: RedeemOrder) => {
  obey(order).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    process.exit(1)
  })
})
process.on('disconnect', () => process.exit(0))
