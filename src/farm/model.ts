import { ConfigError, parseEndpoint } from '../lib/index.ts'

/** One gateway node as the balancer sees it. */
export interface FarmNode {
  name: string
  /** `host:port` of its listener. */
  address: string
  /** Its listener wants a PROXY v2 header in front of every connection; default `off`, in mode `terminate` `required`. */
  proxy?: 'off' | 'required'
  /** Its listener speaks TLS; default true. False only in mode `terminate`, on a network that is trusted. */
  tls?: boolean
}

/** Two or more balancers that share one address. */
export interface KeepalivedModel {
  /** Network interface that carries the shared address: `eth0`. */
  interface: string
  /** The shared address with its prefix length: `192.0.2.10/24`. */
  virtualAddress: string
  /** 1 to 255, unlike any other VRRP group's on this network. */
  virtualRouterId: number
  /** The first is preferred. `name` is the machine's host name up to its first dot. */
  balancers: Array<{ name: string; address: string }>
}

/** Everything that the balancer's files are made of. */
export interface FarmModel {
  /** Label of the farm, also the audience of its tokens. */
  name: string
  /** `host:port` that clients dial. */
  address: string
  /** Where the clients' TLS ends: on the nodes, and the balancer passes bytes; or in the balancer. */
  mode: 'passthrough' | 'terminate'
  /** `host:port` that HAProxy listens on: the shared address, or `0.0.0.0`. */
  listen: string
  /** 1 to 16. */
  nodes: FarmNode[]
  /** Mode `terminate`: PEM of the certificate and its chain. Its key is in the same file, or beside `x.crt` in `x.key`. */
  certificateFile?: string
  /**
   * What the balancer trusts when it speaks TLS with nodes. In mode `passthrough` these are health checks
   * alone: without it they check that a node answers, not who it is.
   */
  caFile?: string
  /** Account that HAProxy changes to when root starts it. */
  user?: string
  keepalived?: KeepalivedModel
}

const MAX_NODES = 16

/**
 * Holds a model against the rules of a farm. Names and addresses end up as words of configuration
 * files, so anything that could be more than one word is refused.
 *
 * @returns warnings: what works but should not stay so
 * @throws ConfigError with the path of the field
 */
export function checkFarm(model: FarmModel): string[] {
  checkName('name', model.name)
  checkEndpoint('address', model.address)
  checkEndpoint('listen', model.listen)
  if (model.user !== undefined) checkName('user', model.user)
  checkFile('caFile', model.caFile)
  checkFile('certificateFile', model.certificateFile)
  checkNodes(model.nodes)
  checkMode(model)
  if (model.keepalived !== undefined) checkKeepalived(model.keepalived)
  return [
    ...(model.nodes.length === 1
      ? ['nodes: only one, consoles end when it does; add a second']
      : []),
    ...(model.caFile === undefined && model.mode === 'passthrough'
      ? ['caFile: missing, so health checks do not prove who answers']
      : []),
  ]
}

function checkNodes(nodes: FarmNode[]): void {
  if (nodes.length < 1 || nodes.length > MAX_NODES) {
    throw new ConfigError('nodes', `need 1 to ${MAX_NODES}, have ${nodes.length}`)
  }
  for (const [index, node] of nodes.entries()) {
    checkName(`nodes.${index}.name`, node.name)
    checkEndpoint(`nodes.${index}.address`, node.address)
  }
  checkUnique('nodes', 'name', nodes)
  checkUnique('nodes', 'address', nodes)
}

/** What goes with one mode only; no client checks a node behind a balancer that ends TLS, so that one has to. */
function checkMode({ mode, certificateFile, caFile, nodes }: FarmModel): void {
  if (mode === 'passthrough') {
    if (certificateFile !== undefined) {
      throw new ConfigError(
        'certificateFile',
        'belongs to mode terminate; here TLS ends on the nodes',
      )
    }
    const plain = nodes.findIndex(({ tls }) => tls === false)
    if (plain >= 0) {
      throw new ConfigError(`nodes.${plain}.tls`, 'have false; need true, or mode terminate')
    }
    return
  }
  if (certificateFile === undefined) {
    throw new ConfigError('certificateFile', 'missing; mode terminate ends TLS with it')
  }
  for (const [index, { name, proxy, tls = true }] of nodes.entries()) {
    if (proxy === 'off') {
      const why = 'the node learns the client from it'
      throw new ConfigError(`nodes.${index}.proxy`, `have off; need required, since ${why}`)
    }
    if (tls && caFile === undefined) {
      const why = `node ${name} speaks TLS, and nobody else checks who it is`
      throw new ConfigError('caFile', `missing; ${why}`)
    }
  }
}

function checkFile(path: string, file: string | undefined): void {
  if (file === undefined || !/[\p{C}']/u.test(file)) return
  throw new ConfigError(path, 'holds a quote or a control character')
}

function checkKeepalived(model: KeepalivedModel): void {
  checkName('keepalived.interface', model.interface)
  if (!/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(model.virtualAddress)) {
    throw new ConfigError(
      'keepalived.virtualAddress',
      `have ${model.virtualAddress}; need an address with its prefix length, for example 192.0.2.10/24`,
    )
  }
  const id = model.virtualRouterId
  if (!Number.isInteger(id) || id < 1 || id > 255) {
    throw new ConfigError('keepalived.virtualRouterId', `have ${id}; need 1 to 255`)
  }
  if (model.balancers.length < 2) {
    throw new ConfigError('keepalived.balancers', 'need at least 2 to share an address')
  }
  for (const [index, { name, address }] of model.balancers.entries()) {
    checkName(`keepalived.balancers.${index}.name`, name)
    if (!/^[0-9a-fA-F.:]+$/.test(address)) {
      throw new ConfigError(
        `keepalived.balancers.${index}.address`,
        `have ${address}; need a literal address`,
      )
    }
  }
  checkUnique('keepalived.balancers', 'name', model.balancers)
  checkUnique('keepalived.balancers', 'address', model.balancers)
}

function checkName(path: string, name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(name)) return
  throw new ConfigError(
    path,
    `have ${JSON.stringify(name)}; need 1 to 63 letters, digits, dots, dashes and underscores`,
  )
}

function checkEndpoint(path: string, text: string): void {
  const host = parseEndpoint(text)?.host
  if (host !== undefined && /^[a-z0-9_.:-]+$/.test(host)) return
  throw new ConfigError(path, `have ${JSON.stringify(text)}; need host:port`)
}

function checkUnique<Key extends string>(
  path: string,
  key: Key,
  items: Array<Record<Key, string>>,
): void {
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    if (seen.has(item[key])) throw new ConfigError(`${path}.${index}.${key}`, 'is there twice')
    seen.add(item[key])
  }
}
