import { request } from 'node:https'
import type { GatewayConfig, HostAgentConfig } from '../config/index.ts'
import { BrokerError, type Clock, errorText, formatEndpoint } from '../lib/index.ts'
import { identifyPeer } from './control-peer.ts'
import { type DoctorFinding, inArea } from './doctor-finding.ts'
import { readText } from './files.ts'
import { readPair } from './role-files.ts'

const ANSWER_MS = 5_000
/** The `Date` of an HTTP answer has whole seconds, cut off. */
const HALF_A_SECOND_MS = 500

/** Those of an unanswered connection; anything else is an answer. */
const NOBODY = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ERR_DEADLINE',
])

/**
 * This machine's clock against the broker's, and on the way whether the control channel's mutual TLS comes
 * about. Nobody joins the channel: a role that runs keeps its connection.
 */
export async function examineClock(
  config: GatewayConfig | HostAgentConfig,
  clock: Clock,
): Promise<DoctorFinding[]> {
  const { ok, error, noAnswer, warning } = inArea('clock')
  if (config.control === undefined) return []
  const broker = formatEndpoint(config.control.broker)
  const before = clock.now()
  try {
    const date = await askDate(config.control)
    const brokerMs = date + HALF_A_SECOND_MS
    const offsetMs = (before + clock.now()) / 2 - brokerMs
    const seconds = (Math.abs(offsetMs) / 1000).toFixed(1)
    const where = offsetMs > 0 ? 'ahead of' : 'behind'
    const message = `${seconds} s ${where} the broker's; ${config.leewaySeconds} are forgiven`
    const allowedMs = config.leewaySeconds * 1000
    if (Math.abs(offsetMs) > allowedMs + HALF_A_SECOND_MS) {
      return [error(broker, message, 'let both keep time by NTP: timedatectl set-ntp true')]
    }
    if (Math.abs(offsetMs) > 1000 + HALF_A_SECOND_MS) {
      return [warning(broker, message, 'let both keep time by NTP: timedatectl set-ntp true')]
    }
    return [ok(broker, "within a second or so of the broker's")]
  } catch (problem) {
    const code = problem instanceof Error && 'code' in problem ? String(problem.code) : ''
    if (NOBODY.has(code)) {
      const fix = `start the broker, or let this machine reach ${broker} (TCP)`
      return [noAnswer(broker, `no answer: ${errorText(problem)}`, fix)]
    }
    const fix =
      'compare control.tls and control.caFile of both ends; the log of the broker says control.refused'
    return [error(broker, `control channel: ${errorText(problem)}`, fix)]
  }
}

/** Any request will do: the channel answers 404, with its time. */
function askDate({ broker, tls, caFile }: NonNullable<GatewayConfig['control']>): Promise<number> {
  const { certificatePem, privateKeyPem } = readPair(tls, 'control.tls')
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const asking = request(
    {
      host: broker.host,
      port: broker.port,
      path: '/',
      agent: false,
      cert: certificatePem,
      key: privateKeyPem,
      ca: readText(caFile, 'control.caFile'),
      minVersion: 'TLSv1.3',
      // As on the channel itself: the control CA signs for us alone, and the certificate says who a peer is.
      checkServerIdentity: (_host, certificate) =>
        identifyPeer(certificate.raw)?.role === 'broker'
          ? undefined
          : new BrokerError('ERR_CERTIFICATE', "the certificate is no broker's"),
      signal: AbortSignal.timeout(ANSWER_MS),
    },
    (response) => {
      response.resume()
      const date = Date.parse(response.headers.date ?? '')
      if (Number.isNaN(date)) reject(new BrokerError('ERR_NO_ANSWER', 'an answer without a date'))
      else resolve(date)
    },
  )
  asking.on('error', (error) => {
    const late = error.name === 'AbortError' || error.name === 'TimeoutError'
    reject(late ? new BrokerError('ERR_DEADLINE', `nothing within ${ANSWER_MS} ms`) : error)
  })
  asking.end()
  return promise
}
