import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { readCertificate } from '../certs/index.ts'
import { BrokerError } from '../lib/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { callApi } from './api-client.ts'
import { parseDuration } from './duration.ts'
import { readText } from './files.ts'
import { print, printJson, say } from './output.ts'

interface Options extends ApiOptions {
  certificate?: string
  privateKey?: string
  overlapDays?: number
  without?: string[]
  wait: number
  cancel?: boolean
  json?: boolean
}

const ASK_EVERY_MS = 500

const rotation = z.object({
  step: z.enum(['waiting', 'done']),
  signing: z.string(),
  next: z.string().optional(),
  needsVersion: z.int().optional(),
  lagging: z.array(
    z.object({ name: z.string(), role: z.string(), trustVersion: z.int(), lastSeenAt: z.string() }),
  ),
})
type RotationAnswer = z.output<typeof rotation>

export function registerRotate(issuer: Command): void {
  const rotate = issuer
    .command('rotate')
    .description('change what the broker signs with: publish, wait for every verifier, switch')
    .option('--certificate <file>', "the next issuer's, in the broker's key directory")
    .option('--private-key <file>', 'its key, beside it; neither: go on with what is running')
    .option('--overlap-days <days>', 'how long the old one stays trusted (default: 30)', parseDays)
    .option('--without <name...>', 'verifiers that need not confirm; they will refuse new tokens')
    .option('--wait <time>', 'for the verifiers to confirm', parseDuration, 30)
    .option('--cancel', 'take the next issuer back, before the switch')
    .option('--json', 'where it stands, as JSON')
    .addHelpText(
      'after',
      `
Each step is kept by the broker: after any failure the same command goes on.

Example:
  portcullis certs issue --role issuer --from farm-certs --out /etc/portcullis/keys/issuer-2
  portcullis issuer rotate --certificate issuer-2.crt --private-key issuer-2.key`,
    )
  addApiOptions(rotate).action(run)
}

async function run(options: Options): Promise<void> {
  const api = await findApi(options)
  if (options.cancel) {
    await callApi(api, 'DELETE', '/v1/issuers/rotation', { answer: z.undefined() })
    say('The next issuer is out of the trust set.')
    return
  }
  const body = toRequest(options)
  const advance = (): Promise<RotationAnswer> =>
    callApi(api, 'POST', '/v1/issuers/rotation', { body, answer: rotation })
  const state = await untilDone(advance, options.wait * 1000)
  if (options.json) printJson(state)
  else print(state.signing)
  if (state.step === 'waiting') throw new BrokerError('ERR_REFUSED', describeLag(state))
  for (const { name } of state.lagging) say(`Went on without ${name}.`)
}

function toRequest({ certificate, privateKey, overlapDays, without }: Options): object {
  if ((certificate === undefined) !== (privateKey === undefined)) {
    throw new BrokerError('ERR_USAGE', '--certificate and --private-key come together')
  }
  return {
    // Names only: the broker reads the files itself, so that no key ever travels.
    ...(certificate === undefined || privateKey === undefined
      ? {}
      : { certificateFile: basename(certificate), privateKeyFile: basename(privateKey) }),
    // On the broker's machine the file can be held against what the broker finds under its name.
    ...(certificate !== undefined && existsSync(certificate)
      ? { thumbprint: thumbprintOf(certificate) }
      : {}),
    ...(overlapDays === undefined ? {} : { overlapDays }),
    ...(without === undefined ? {} : { without }),
  }
}

function thumbprintOf(path: string): string {
  return readCertificate(readText(path, '--certificate'), '--certificate').sha256Thumbprint
}

async function untilDone(
  advance: () => Promise<RotationAnswer>,
  waitMs: number,
): Promise<RotationAnswer> {
  const deadlineMs = performance.now() + waitMs
  let state = await advance()
  if (state.step === 'waiting') say(`Published ${state.next}; waiting for ${namesOf(state)} …`)
  while (state.step === 'waiting' && performance.now() < deadlineMs) {
    await sleep(ASK_EVERY_MS)
    state = await advance()
  }
  return state
}

function describeLag({ lagging, needsVersion }: RotationAnswer): string {
  const who = lagging.map(
    ({ name, role, trustVersion, lastSeenAt }) =>
      `${role} ${name} has version ${trustVersion}, last seen ${lastSeenAt}`,
  )
  return `not every verifier trusts the next issuer (version ${needsVersion}): ${who.join('; ')}; bring them back and run the same again, or go on with --without ${namesOf({ lagging })}`
}

function namesOf({ lagging }: Pick<RotationAnswer, 'lagging'>): string {
  return lagging.map(({ name }) => name).join(' ')
}

function parseDays(text: string): number {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= 365) return days
  throw new InvalidArgumentError('need 1 to 365 whole days.')
}
