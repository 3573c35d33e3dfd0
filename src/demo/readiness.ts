import { request as requestPlain } from 'node:http'
import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_EVERY_MS = 50
const ANSWER_WITHIN_MS = 2_000

export interface ReadinessQuestion {
  address: string
  port: number
  /** Name that the certificate must carry. */
  serverName: string
  /** PEM of the authority that signed it; absent: it is asked without TLS. */
  ca?: string
}

/** Asks `GET /readyz` until the answer is 200. It ends with the signal, else never by itself. */
export async function untilReady(question: ReadinessQuestion, signal: AbortSignal): Promise<void> {
  while (!(await isReady(question))) await sleep(POLL_EVERY_MS, undefined, { signal })
}

function isReady({ address, port, serverName, ca }: ReadinessQuestion): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = ca === undefined ? requestPlain : request
    const asked = ask(
      {
        host: address,
        port,
        path: '/readyz',
        servername: serverName,
        headers: { host: serverName },
        ...(ca === undefined ? {} : { ca }),
        agent: false,
        timeout: ANSWER_WITHIN_MS,
      },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode === 200)
      },
    )
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => resolve(false))
    asked.end()
  })
}
