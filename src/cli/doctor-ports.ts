import { get } from 'node:http'
import { connect } from 'node:tls'
import { readCertificate } from '../certs/index.ts'
import { type Endpoint, formatEndpoint, withDeadline } from '../lib/index.ts'
import { type DoctorFinding, inArea, type RoleConfig } from './doctor-finding.ts'
import { readText } from './files.ts'
import { metricsAddress } from './gateway.ts'
import { metricsAddress as agentMetricsAddress } from './host-agent.ts'
import { tryListen } from './try-listen.ts'

const ANSWER_MS = 3_000

interface Wanted {
  setting: string
  address: Endpoint
  /** How to tell that it is we who listen: by the certificate in a file, or by what metrics say. */
  known: { certificateFile: string } | 'metrics' | undefined
}

/** Whether each port is free, or taken by the role itself. A free one is taken for a moment. */
export async function examinePorts(checked: RoleConfig): Promise<DoctorFinding[]> {
  return Promise.all(wantedPorts(checked).map(examine))
}

async function examine({ setting, address, known }: Wanted): Promise<DoctorFinding> {
  const { ok, warning, error } = inArea('ports')
  const text = formatEndpoint(address)
  const code = await tryListen(address)
  const who = `see who: ss -ltnp 'sport = :${address.port}'`
  switch (code) {
    case undefined:
      return ok(setting, `${text} is free`)
    case 'EACCES': {
      const fix =
        'run doctor as root; the role needs CAP_NET_BIND_SERVICE, as its unit in deploy/ gives'
      return warning(setting, `${text}: this user may not listen there`, fix)
    }
    case 'EADDRNOTAVAIL':
      return error(
        setting,
        `${text}: this machine has no such address`,
        `set ${setting} to one of: ip address`,
      )
    case 'EADDRINUSE':
      break
    default:
      return error(
        setting,
        `${text}: ${code}`,
        `set ${setting} to an address and port that can be listened on`,
      )
  }
  if (known === undefined) {
    return warning(setting, `${text} is taken, by whom can't be told from outside`, who)
  }
  const ours = await isOurs(address, known)
  if (ours) return ok(setting, `${text} is ours`)
  const message = `${text} is taken by another program, or by one that has another certificate`
  return error(setting, message, `${who}; end it, or set ${setting} to another port`)
}

async function isOurs(address: Endpoint, known: Exclude<Wanted['known'], undefined>) {
  const target = { host: dialled(address.host), port: address.port }
  try {
    if (known === 'metrics') return await saysMetrics(target)
    const { certificateFile } = known
    const own = readCertificate(readText(certificateFile, 'certificate'), certificateFile)
    return (await shownCertificate(target)) === own.sha256Thumbprint
  } catch {
    return false
  }
}

/** Who listens on all addresses is reached on loopback. */
function dialled(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/** SHA-256 thumbprint of the certificate that is shown; whether it is good is another question. */
async function shownCertificate(target: Endpoint): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const socket = connect({ ...target, rejectUnauthorized: false }, () => {
    const certificate = socket.getPeerX509Certificate()
    resolve(certificate?.fingerprint256.replaceAll(':', ''))
  })
  socket.on('error', reject)
  try {
    return await withDeadline(promise, ANSWER_MS, formatEndpoint(target))
  } finally {
    socket.destroy()
  }
}

function saysMetrics({ host, port }: Endpoint): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const signal = AbortSignal.timeout(ANSWER_MS)
  get({ host, port, path: '/metrics', agent: false, signal }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      // It may be anybody's server, which may never end.
      if (text.length > 1_000_000 || text.includes('portcullis_')) response.destroy()
    })
    response.on('close', () => resolve(text.includes('portcullis_')))
  }).on('error', reject)
  return promise
}

function wantedPorts({ role, config }: RoleConfig): Wanted[] {
  const metrics = (address: Endpoint | undefined): Wanted[] =>
    address === undefined ? [] : [{ setting: 'metrics.listen', address, known: 'metrics' }]
  switch (role) {
    case 'broker':
      return [
        { setting: 'listen', address: config.listen, known: config.tls },
        ...(config.control === undefined
          ? []
          : [
              {
                setting: 'control.listen',
                address: config.control.listen,
                known: config.control.tls,
              },
            ]),
      ]
    case 'gateway':
      return [
        ...config.listeners.map(({ address, proxy }, index) => ({
          setting: `listeners.${index}.address`,
          address,
          // One that waits for a PROXY header shows nothing before.
          known: proxy === 'off' ? config.tls : undefined,
        })),
        ...metrics(metricsAddress(config)),
      ]
    case 'host-agent': {
      const known = config.plain ? undefined : (config.tls ?? config.control?.tls)
      return [
        { setting: 'listen', address: config.listen, known },
        ...metrics(agentMetricsAddress(config)),
      ]
    }
    case 'farm':
      // Of the balancer: HAProxy's own business.
      return []
  }
}
