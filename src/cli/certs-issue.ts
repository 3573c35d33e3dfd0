import { join } from 'node:path'
import { type Command, Option } from 'commander'
import {
  CONTROL_DAYS,
  CONTROL_ROLES,
  createRequest,
  isSelfSigned,
  issueCertificate,
  type KeyPair,
  type KeyType,
  type Profile,
  readCertificate,
} from '../certs/index.ts'
import { loadFarmConfig } from '../config/index.ts'
import { BrokerError, parseEndpoint, systemClock } from '../lib/index.ts'
import {
  addKeyOptions,
  backdated,
  type KeyOptions,
  LEAF_DAYS,
  summary,
  wholeDays,
} from './certs-options.ts'
import { collect } from './collect.ts'
import { readAuthoritiesPem } from './files.ts'
import { KEY_PASSWORD_FILE, readKeyFile } from './key-file.ts'
import { writeNewFiles } from './new-files.ts'
import { print, printJson } from './output.ts'

const ROLES = ['issuer', 'publisher', 'tls', ...CONTROL_ROLES] as const
type Role = (typeof ROLES)[number]

interface Options extends KeyOptions {
  role: Role
  out: string
  name?: string[]
  commonName?: string
  organization?: string
  json?: boolean
}

interface IssueOptions extends Options {
  from?: string
  ca?: string
  caKey?: string
  keyPasswordFile?: string
  days?: number
}

interface RequestOptions extends Options {
  farmConfig?: string
}

export function register(certs: Command): void {
  const issue = certs
    .command('issue')
    .description('makes one certificate and its key, signed by an authority of yours')
    .option('--from <directory>', 'directory of certs init: its authority for the role signs')
    .option('--ca <file>', 'another authority: its certificate…')
    .option('--ca-key <file>', '…and its private key')
    .option(...KEY_PASSWORD_FILE)
    .option(
      '--days <days>',
      `default: ${LEAF_DAYS}, control certificates ${CONTROL_DAYS}`,
      wholeDays,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis certs issue --role node --from farm-certs --name gw3.example --out control\n  portcullis certs issue --role tls --from farm-certs --name gateway.example --name gw3.example --out tls',
    )
  addCommonOptions(issue).action(issueOne)
  const csr = certs
    .command('csr')
    .description('makes a key and a request for its certificate, for an enterprise authority')
    .option(
      '--farm-config <file>',
      'farm file: takes the names of farm, balancer and every node from it',
    )
    .addHelpText(
      'after',
      '\nExample:\n  portcullis certs csr --role tls --name gateway.example --name gw1.example --name gw2.example --organization Example --out tls',
    )
  addCommonOptions(csr).action(request)
}

function addCommonOptions(command: Command): Command {
  command
    .addOption(new Option('--role <role>', 'what it is for').choices(ROLES).makeOptionMandatory())
    .requiredOption('--out <path>', 'where to, without .crt, .key or .csr; nothing is overwritten')
    .option(
      '--name <name>',
      'DNS name or address; repeat it. Of node, broker and agent the first is its name',
      collect,
    )
    .option('--common-name <name>', 'default: the first --name')
    .option('--organization <name>', "default: the authority's")
    .option('--json', 'files and thumbprints as JSON')
  return addKeyOptions(command)
}

async function issueOne(options: IssueOptions): Promise<void> {
  const authority = await readAuthority(options)
  const { subject } = readCertificate(authority.certificatePem, 'authority certificate')
  const organization = options.organization ?? organizationOf(subject)
  const profile = profileOf(options, options.name ?? [])
  const issued = await issueCertificate({
    ...profile,
    authority,
    commonName: commonNameOf(options, options.name),
    organization,
    notBefore: backdated(systemClock.now()),
    days: options.days ?? (profile.role === 'control' ? CONTROL_DAYS : LEAF_DAYS),
    key: keyOf(options),
    hash: options.hash,
  })
  const [certificateFile, privateKeyFile] = [`${options.out}.crt`, `${options.out}.key`]
  writeNewFiles([
    { path: privateKeyFile, content: issued.privateKeyPem, secret: true },
    { path: certificateFile, content: issued.certificatePem + intermediates(authority) },
  ])
  if (options.json) {
    const certificate = readCertificate(issued.certificatePem)
    printJson({ certificateFile, privateKeyFile, ...summary(certificate) })
  } else {
    print(certificateFile)
    print(privateKeyFile)
  }
}

async function request(options: RequestOptions): Promise<void> {
  const names = [...new Set([...(options.name ?? []), ...namesOfFarm(options.farmConfig)])]
  const { requestPem, privateKeyPem } = await createRequest({
    ...profileOf(options, names),
    commonName: commonNameOf(options, names),
    organization: options.organization ?? 'Portcullis',
    key: keyOf(options),
    hash: options.hash,
  })
  const [requestFile, privateKeyFile] = [`${options.out}.csr`, `${options.out}.key`]
  writeNewFiles([
    { path: privateKeyFile, content: privateKeyPem, secret: true },
    { path: requestFile, content: requestPem },
  ])
  if (options.json) printJson({ requestFile, privateKeyFile, names })
  else {
    print(requestFile)
    print(privateKeyFile)
  }
}

/** @throws BrokerError `ERR_USAGE` */
async function readAuthority({
  role,
  from,
  ca,
  caKey,
  keyPasswordFile,
}: IssueOptions): Promise<KeyPair> {
  const isControl = CONTROL_ROLES.some((known) => known === role)
  const base =
    from === undefined ? undefined : join(from, 'authority', isControl ? 'control-ca' : 'ca')
  const certificateFile = ca ?? (base && `${base}.crt`)
  const privateKeyFile = caKey ?? (base && `${base}.key`)
  if (certificateFile === undefined || privateKeyFile === undefined) {
    throw new BrokerError('ERR_USAGE', 'authority: need --from, or --ca and --ca-key')
  }
  return {
    certificatePem: readAuthoritiesPem(certificateFile),
    privateKeyPem: await readKeyFile(privateKeyFile, '--ca-key', keyPasswordFile),
  }
}

/** A chain leads up to the root, without it: clients have that. */
function intermediates({ certificatePem }: KeyPair): string {
  return isSelfSigned(readCertificate(certificatePem)) ? '' : certificatePem
}

function profileOf({ role }: Options, names: string[]): Profile {
  switch (role) {
    case 'issuer':
    case 'publisher':
      return { role, names }
    case 'tls':
      needName(role, names)
      return { role, names }
    case 'node':
    case 'broker':
    case 'agent':
      return { role: 'control', identity: { role, name: needName(role, names) }, names }
  }
}

function needName(role: Role, [first]: string[]): string {
  if (first === undefined) {
    throw new BrokerError('ERR_USAGE', `--name: role ${role} needs at least one`)
  }
  return first
}

function commonNameOf({ commonName, role }: Options, names: string[] = []): string {
  return commonName ?? names[0] ?? (role === 'publisher' ? 'publisher' : 'token issuer')
}

/** Clients verify only RSA signatures of `.rdp` files. */
function keyOf({ key, role }: Options): KeyType {
  return key ?? (role === 'publisher' ? 'rsa-2048' : 'ec-p256')
}

function organizationOf(subject: string): string {
  return /(?:^|, )O=([^,]+)/.exec(subject)?.[1] ?? 'Portcullis'
}

function namesOfFarm(file: string | undefined): string[] {
  if (file === undefined) return []
  const { address, nodes } = loadFarmConfig(file)
  const addresses = [address, ...nodes.map((node) => node.address)]
  const hosts = addresses.flatMap((text) => parseEndpoint(text)?.host ?? [])
  return [...hosts.slice(0, 1), ...nodes.map(({ name }) => name), ...hosts.slice(1)]
}
