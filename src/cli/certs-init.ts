import { join } from 'node:path'
import type { Command } from 'commander'
import {
  CONTROL_DAYS,
  createAuthority,
  issueCertificate,
  type KeyPair,
  readCertificate,
} from '../certs/index.ts'
import { systemClock } from '../lib/index.ts'
import {
  AUTHORITY_DAYS,
  addKeyOptions,
  backdated,
  type KeyOptions,
  LEAF_DAYS,
  summary,
  wholeDays,
} from './certs-options.ts'
import { collect } from './collect.ts'
import { type NewFile, writeNewDirectory } from './new-files.ts'
import { print, printJson, say } from './output.ts'

interface Options extends KeyOptions {
  farm: string
  name: string[]
  broker: string[]
  node: string[]
  organization?: string
  days: number
  microsoft?: boolean
  json?: boolean
}

export function register(certs: Command): void {
  const command = certs
    .command('init')
    .description('makes all certificates of a new farm, with authorities of its own')
    .argument('<directory>', 'a new directory; a directory inside it for each machine')
    .requiredOption('--farm <name>', "the farm's name, as in the configurations")
    .requiredOption('--name <name>', 'DNS name or address that clients dial; repeat it', collect)
    .requiredOption('--broker <name>', "the broker's DNS name or address; repeat it", collect)
    .requiredOption('--node <name>', "a node's name; repeat it", collect)
    .option('--organization <name>', "in every subject (default: the farm's name)")
    .option(
      '--days <days>',
      'validity of issuer, publisher and TLS certificates',
      wholeDays,
      LEAF_DAYS,
    )
    .option('--microsoft', "an issuer that Microsoft's gateways and hosts accept: RSA")
    .option('--json', 'files and thumbprints as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  portcullis certs init farm-certs --farm example --name gateway.example --broker broker.example --node gw1.example --node gw2.example',
    )
  addKeyOptions(command).action(init)
}

async function init(directory: string, options: Options): Promise<void> {
  const { json, name, node } = options
  const files = await makeFarm(options)
  writeNewDirectory(directory, files)
  const written = files.map(({ path }) => join(directory, path))
  if (json) {
    const certificates = files
      .filter(({ path }) => path.endsWith('.crt'))
      .map(({ path, content }) => ({
        file: join(directory, path),
        ...summary(readCertificate(String(content), path)),
      }))
    printJson({ directory, certificates })
    return
  }
  for (const path of written) print(path)
  say(`Made for ${name.join(', ')} and ${node.length} nodes. Keep ${join(directory, 'authority')} off every machine
that is reached from outside; give each machine its own directory, and no other.
Control certificates live ${CONTROL_DAYS} days: portcullis certs issue --role node makes the next.`)
}

/** Every file of a farm, by the machine that holds it. */
async function makeFarm(options: Options): Promise<NewFile[]> {
  const { farm, name: names, broker, node: nodes, organization = farm, days, hash } = options
  const { key = 'ec-p256' } = options
  const common = { organization, notBefore: backdated(systemClock.now()), hash }
  const rsaKey = key.startsWith('rsa') ? key : 'rsa-2048'
  const authority = await createAuthority({
    ...common,
    commonName: `${farm} authority`,
    days: AUTHORITY_DAYS,
    key,
  })
  const controlAuthority = await createAuthority({
    ...common,
    commonName: `${farm} control authority`,
    days: AUTHORITY_DAYS,
    key,
  })
  const leaf = { ...common, authority, days, key }
  const tls = (commonName: string, tlsNames: string[]): Promise<KeyPair> =>
    issueCertificate({ ...leaf, role: 'tls', commonName, names: tlsNames })
  const control = (role: 'broker' | 'node', name: string, names: string[]): Promise<KeyPair> =>
    issueCertificate({
      ...leaf,
      authority: controlAuthority,
      role: 'control',
      identity: { role, name },
      commonName: `${farm} ${role} ${name}`,
      names,
      days: CONTROL_DAYS,
    })
  const brokerName = broker[0] ?? 'broker'
  const issuer = await issueCertificate({
    ...leaf,
    key: options.microsoft ? rsaKey : key,
    role: 'issuer',
    commonName: `${farm} token issuer`,
  })
  const publisher = await issueCertificate({
    ...leaf,
    key: rsaKey,
    role: 'publisher',
    commonName: `${farm} publisher`,
  })
  const files = [
    ...pair('authority/ca', authority),
    ...pair('authority/control-ca', controlAuthority),
    { path: 'public/ca.crt', content: authority.certificatePem },
    { path: 'public/control-ca.crt', content: controlAuthority.certificatePem },
    { path: 'public/issuer.crt', content: issuer.certificatePem },
    { path: 'public/publisher.crt', content: publisher.certificatePem },
    ...pair('broker/issuer', issuer),
    ...pair('broker/publisher', publisher),
    ...pair('broker/tls', await tls(`${farm} broker`, broker)),
    ...pair('broker/control', await control('broker', brokerName, broker)),
    { path: 'broker/control-ca.crt', content: controlAuthority.certificatePem },
  ]
  for (const node of new Set(nodes)) {
    const nodeNames = [...new Set([...names, node])]
    files.push(
      ...pair(`nodes/${node}/tls`, await tls(`${farm} ${node}`, nodeNames)),
      ...pair(`nodes/${node}/control`, await control('node', node, [node])),
      { path: `nodes/${node}/control-ca.crt`, content: controlAuthority.certificatePem },
      { path: `nodes/${node}/issuer.crt`, content: issuer.certificatePem },
    )
  }
  return files
}

function pair(path: string, { certificatePem, privateKeyPem }: KeyPair): NewFile[] {
  return [
    { path: `${path}.crt`, content: certificatePem },
    { path: `${path}.key`, content: privateKeyPem, secret: true },
  ]
}
