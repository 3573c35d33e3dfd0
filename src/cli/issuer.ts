import { basename } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { readCertificate } from '../certs/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { readText } from './files.ts'
import { registerPowershell } from './issuer-powershell.ts'
import { registerRotate } from './issuer-rotate.ts'
import { print, printJson, printTable, say } from './output.ts'
import { takeThumbprint } from './thumbprint.ts'

const trust = z.object({
  trustVersion: z.int(),
  items: z.array(
    z.looseObject({
      sha256Thumbprint: z.string(),
      sha1Thumbprint: z.string(),
      subject: z.string(),
      purposes: z.array(z.string()),
      use: z.string(),
      broker: z.string().optional(),
      notBefore: z.string(),
      notAfter: z.string(),
    }),
  ),
  verifiers: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      trustVersion: z.int(),
      current: z.boolean(),
      lastSeenAt: z.string(),
    }),
  ),
})

export function register(program: Command): void {
  const issuer = program.command('issuer').description('whom gateways and hosts trust')
  registerRotate(issuer)
  registerPowershell(issuer)
  addApiOptions(
    issuer
      .command('list')
      .description('the trust set with its windows, and what every verifier has applied of it')
      .option('--json', 'the same as JSON')
      .addHelpText('after', '\nExample:\n  portcullis issuer list'),
  ).action(list)
  addApiOptions(
    issuer
      .command('trust')
      .description("trust an issuer that is not this broker's, such as another product's")
      .argument('<certificate>', 'its public certificate, PEM')
      .addOption(
        new Option('--purpose <purpose>', 'what its tokens may open').choices(['gateway', 'host']),
      )
      .option('--not-after <time>', 'until when, for example 2027-01-31', parseTime)
      .addHelpText('after', '\nExample:\n  portcullis issuer trust vmm.crt --purpose gateway'),
  ).action(trustCertificate)
  addApiOptions(
    issuer
      .command('distrust')
      .description('trust an issuer no longer, from now on')
      .argument('<thumbprint>', 'SHA-256, in any spelling')
      .addHelpText('after', '\nExample:\n  portcullis issuer distrust "DA 11 F5 …"'),
  ).action(distrust)
  addApiOptions(
    issuer
      .command('acknowledge')
      .description('say that a verifier without control channel trusts the present set')
      .argument('<name>', 'for example of a Microsoft RD Gateway')
      .option('--trust-version <number>', 'trusts only that version', parseVersion)
      .addHelpText('after', '\nExample:\n  portcullis issuer acknowledge rdgw-1'),
  ).action(acknowledge)
  addApiOptions(
    issuer
      .command('forget')
      .description('wait for a verifier no longer: it is out of service')
      .argument('<name>', 'of a node, an agent or an external verifier')
      .addHelpText('after', '\nExample:\n  portcullis issuer forget gw9'),
  ).action(forget)
}

async function list({ json, ...options }: ApiOptions & { json?: boolean }): Promise<void> {
  const found = await callApi(await findApi(options), 'GET', '/v1/issuers', { answer: trust })
  if (json) printJson(found)
  else printTrust(found)
}

function printTrust({ trustVersion, items, verifiers }: z.output<typeof trust>): void {
  print(`Trust set, version ${trustVersion}`)
  printTable(
    ['USE', 'BROKER', 'FOR', 'TRUSTED UNTIL', 'SUBJECT', 'SHA-256 THUMBPRINT'],
    items.map(({ use, broker = '-', purposes, notAfter, subject, sha256Thumbprint }) => [
      use,
      broker,
      purposes.join(','),
      notAfter,
      subject,
      sha256Thumbprint,
    ]),
  )
  print('')
  printTable(
    ['VERIFIER', 'ROLE', 'VERSION', 'CURRENT', 'LAST SEEN'],
    verifiers.map(({ name, role, trustVersion: version, current, lastSeenAt }) => [
      name,
      role,
      String(version),
      current ? 'yes' : 'no',
      lastSeenAt,
    ]),
  )
}

async function trustCertificate(
  path: string,
  { purpose, notAfter, ...options }: ApiOptions & { purpose?: string; notAfter?: string },
): Promise<void> {
  const certificate = readCertificate(readText(path, 'certificate'), basename(path))
  const body = {
    certificatePem: certificate.pem,
    ...(purpose === undefined ? {} : { purposes: [purpose] }),
    ...(notAfter === undefined ? {} : { notAfter }),
  }
  const { sha256Thumbprint } = certificate
  const api = await findApi(options)
  await callApi(api, 'PUT', `/v1/issuers/${sha256Thumbprint}`, { body, answer: trust })
  print(sha256Thumbprint)
}

async function distrust(spelled: string, options: ApiOptions): Promise<void> {
  const thumbprint = takeThumbprint(spelled)
  const answer = z.undefined()
  await callApi(await findApi(options), 'DELETE', `/v1/issuers/${thumbprint}`, { answer })
  say('portcullis: tokens of this issuer are refused from now on')
}

async function acknowledge(
  name: string,
  { trustVersion, ...options }: ApiOptions & { trustVersion?: number },
): Promise<void> {
  const { verifiers } = await callApi(await findApi(options), 'PUT', verifierPath(name), {
    body: trustVersion === undefined ? {} : { trustVersion },
    answer: trust,
  })
  const version = verifiers.find((verifier) => verifier.name === name)?.trustVersion
  say(`portcullis: ${name} counts as having version ${version}; rotations wait for it`)
}

async function forget(name: string, options: ApiOptions): Promise<void> {
  await callApi(await findApi(options), 'DELETE', verifierPath(name), { answer: z.undefined() })
  say(`portcullis: no rotation waits for ${name} until it is heard of again`)
}

function verifierPath(name: string): string {
  return `/v1/issuers/verifiers/${encodeURIComponent(name)}`
}

function parseTime(text: string): string {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('need a time such as 2027-01-31T12:00:00Z.')
  }
  return time.toISOString()
}

function parseVersion(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('need a whole number.')
}
