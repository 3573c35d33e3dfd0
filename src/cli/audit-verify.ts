import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import {
  type AuditVerdict,
  AuditVerifier,
  type AuditVerifierOptions,
  type Checkpoint,
} from '../broker/index.ts'
import { type Certificate, readCertificate } from '../certs/index.ts'
import { BrokerError, errorText } from '../lib/index.ts'
import { verifyAuditCheckpoint } from '../tokens/index.ts'
import { type ApiOptions, addApiOptions, findApi } from './api-access.ts'
import { type ApiAccess, callApi } from './api-client.ts'
import { collect } from './collect.ts'
import { readText } from './files.ts'
import { parseJson } from './json.ts'
import { ExitCode, print, printable, printJson, say } from './output.ts'

const recordAnswer = z
  .object({
    ...{ broker: z.string(), seq: z.int(), prev: z.string(), hash: z.string() },
    time: z.iso.datetime(),
    ...{ actor: z.string(), action: z.string(), subject: z.string(), outcome: z.string() },
    ref: z.string().exactOptional(),
    details: z.string().exactOptional(),
  })
  .transform(({ time, ...record }) => ({ ...record, atMs: Date.parse(time) }))

const checkpointAnswer = z.object({ checkpoint: z.string() })
const checkpointLine = z.object({
  event: z.string().optional(),
  checkpoint: z.string().optional(),
})
const CHECKPOINT_EVENT = 'audit.checkpoint'
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/
const issuersAnswer = z.object({ items: z.array(z.object({ certificatePem: z.string() })) })
const PAGE = 1_000
const DAY_MS = 24 * 60 * 60_000

interface Options extends ApiOptions {
  checkpoint?: string
  issuer?: string[]
  keepDays?: number
  json?: boolean
}

export function registerVerify(audit: Command): void {
  addApiOptions(
    audit
      .command('verify')
      .description('find records that were changed, taken out, reordered or cut off')
      .option('--checkpoint <file>', 'log that was kept elsewhere, or its lines audit.checkpoint')
      .option(
        '--issuer <file>',
        "a certificate that may sign, PEM; may be repeated (default: the broker's list of issuers)",
        collect,
      )
      .option(
        '--keep-days <days>',
        "records older than that may be gone (default: the broker's `audit.keepDays`)",
        parseDays,
      )
      .option('--json', 'the same as JSON')
      .addHelpText(
        'after',
        `
Checkpoints of the broker prove what is there; that nothing was cut off behind
the last of them, only one that was kept elsewhere does.

Example:
  grep '"event":"audit.checkpoint"' broker.log | tail -1 > checkpoint.json
  portcullis audit verify --checkpoint checkpoint.json --issuer issuer.crt`,
      ),
  ).action(verify)
}

async function verify(options: Options): Promise<void> {
  const api = await findApi(options)
  const issuers = await readIssuers(api, options.issuer)
  const { checkpoints, findings } = await readCheckpoints(api, issuers, options.checkpoint)
  const keptSinceMs = await readKeptSince(api, options.keepDays)
  const verdicts = await verifyRecords(api, checkpoints, { keptSinceMs })
  const all = [...findings, ...verdicts.flatMap(({ findings }) => findings)]
  if (options.json) printJson({ ok: all.length === 0, findings, brokers: verdicts })
  else for (const verdict of verdicts) print(describe(verdict))
  if (all.length === 0) return
  if (!options.json) for (const finding of findings) say(`portcullis: ${printable(finding)}`)
  for (const { broker, findings } of verdicts) {
    for (const finding of findings) say(`portcullis: ${printable(broker)}: ${finding}`)
  }
  process.exitCode = ExitCode.refused
}

function describe({ broker, first, last, signed, findings }: AuditVerdict): string {
  const name = printable(broker)
  if (last === 0) return `${name}: no records`
  const verdict = findings.length === 0 ? 'whole' : 'NOT WHOLE'
  const before = first > 1 ? `, those before ${first} went by retention` : ''
  return `${name}: records ${first} to ${last}: ${verdict}; signed up to ${signed}${before}`
}

async function readIssuers(api: ApiAccess, files: string[] = []): Promise<Certificate[]> {
  if (files.length > 0)
    return files.map((file) => readCertificate(readText(file, '--issuer'), file))
  const { items } = await callApi(api, 'GET', '/v1/issuers', { answer: issuersAnswer })
  return items.map(({ certificatePem }) => readCertificate(certificatePem))
}

interface Checkpoints {
  checkpoints: Map<string, Checkpoint[]>
  findings: string[]
}

/** Those of the broker and those of the file, by broker; one that can't be verified is a finding. */
async function readCheckpoints(
  api: ApiAccess,
  issuers: Certificate[],
  file: string | undefined,
): Promise<Checkpoints> {
  const checkpoints = new Map<string, Checkpoint[]>()
  const findings: string[] = []
  const take = (text: string, where: string): void => {
    try {
      const { iss, iat, seq, hash } = verifyAuditCheckpoint(text, issuers)
      const known = checkpoints.get(iss) ?? []
      checkpoints.set(iss, known)
      known.push({ seq, hash, atMs: iat * 1000 })
    } catch (error) {
      findings.push(`checkpoint ${where}: ${errorText(error)}`)
    }
  }
  if (file !== undefined) {
    for (const { text, line } of checkpointsIn(file)) take(text, `in line ${line} of ${file}`)
  }
  for await (const items of pages(api, '/v1/audit/checkpoints')) {
    for (const item of z.array(checkpointAnswer).parse(items))
      take(item.checkpoint, 'of the broker')
  }
  return { checkpoints, findings: [...new Set(findings)].slice(0, PAGE) }
}

/**
 * What a log that was kept elsewhere says, and be it a whole one: its other lines are passed over. One that says
 * nothing is no proof.
 *
 * @throws BrokerError `ERR_USAGE`
 */
function checkpointsIn(file: string): Array<{ text: string; line: number }> {
  const found = readText(file, '--checkpoint')
    .split('\n')
    .map((line, index) => ({ text: checkpointOf(line.trim()), line: index + 1 }))
    .flatMap(({ text, line }) => (text === undefined ? [] : [{ text, line }]))
  if (found.length > 0) return found
  throw new BrokerError('ERR_USAGE', `--checkpoint ${file}: no checkpoint in it`)
}

/** Of a line of the log, or the line itself where that is the signed text; a damaged one is not passed over. */
function checkpointOf(line: string): string | undefined {
  if (COMPACT_JWS.test(line)) return line
  if (!line.includes(CHECKPOINT_EVENT) && !line.includes('"checkpoint"')) return undefined
  const { data } = checkpointLine.safeParse(parseJson(line))
  if (data === undefined) return line
  return data.event === undefined || data.event === CHECKPOINT_EVENT
    ? (data.checkpoint ?? line)
    : undefined
}

/**
 * From when on records have to be there: how long they are kept stands in the broker's configuration, and not in the store. A
 * day less, since clocks differ.
 */
async function readKeptSince(api: ApiAccess, wanted?: number): Promise<number | undefined> {
  const answer = z.object({ keepDays: z.int().optional() })
  const { keepDays } =
    wanted === undefined
      ? await callApi(api, 'GET', '/v1/audit/checkpoints?limit=1', { answer })
      : { keepDays: wanted }
  return keepDays === undefined ? undefined : Date.now() - (keepDays - 1) * DAY_MS
}

function parseDays(text: string): number {
  const days = Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= 36_500) return days
  throw new InvalidArgumentError('need 1 to 36500')
}

async function verifyRecords(
  api: ApiAccess,
  checkpoints: Checkpoints['checkpoints'],
  options: AuditVerifierOptions,
): Promise<AuditVerdict[]> {
  const verifiers = new Map(
    [...checkpoints].map(([broker, signed]) => [
      broker,
      new AuditVerifier(broker, signed, options),
    ]),
  )
  for await (const items of pages(api, '/v1/audit')) {
    for (const record of z.array(recordAnswer).parse(items)) {
      const { broker } = record
      const verifier = verifiers.get(broker) ?? new AuditVerifier(broker, [])
      verifiers.set(broker, verifier)
      verifier.add(record)
    }
  }
  return [...verifiers.values()].map((verifier) => verifier.finish())
}

async function* pages(api: ApiAccess, path: string): AsyncGenerator<unknown[]> {
  const answer = z.object({ items: z.array(z.unknown()), next: z.string().optional() })
  for (let after: string | undefined; ; ) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(after && { after }) })
    const page = await callApi(api, 'GET', `${path}?${query}`, { answer })
    yield page.items
    if (page.next === undefined || page.next === after) return
    after = page.next
  }
}
