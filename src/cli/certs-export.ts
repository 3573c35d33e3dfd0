import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import {
  checkPair,
  encodePfx,
  PFX_ENCRYPTIONS,
  type PfxEncryption,
  RSA_AND_AES_PROVIDER,
  readCertificates,
} from '../certs/index.ts'
import { BrokerError } from '../lib/index.ts'
import { readBytes } from './files.ts'
import { KEY_PASSWORD_FILE, readKeyFile } from './key-file.ts'
import { type NewFile, writeNewFiles } from './new-files.ts'
import { print, printJson } from './output.ts'
import { readPassword } from './password.ts'

const FORMATS = ['pfx', 'der', 'pem'] as const
type Format = (typeof FORMATS)[number]

interface Options {
  out: string
  format?: Format
  key?: string
  keyPasswordFile?: string
  chain: boolean | string
  encryption: PfxEncryption
  microsoft?: boolean
  passwordFile?: string
  json?: boolean
}

export function register(certs: Command): void {
  certs
    .command('export')
    .description('hands a certificate over: with its key as PFX, or alone as CER')
    .argument('<certificate>', 'PEM or DER; the key beside it is never part of a .cer')
    .requiredOption('--out <file>', '.pfx, .p12, .cer, .der, .crt or .pem; nothing is overwritten')
    .addOption(new Option('--format <format>', 'default: by the ending of --out').choices(FORMATS))
    .option('--key <file>', 'private key for a PFX (default: beside the certificate, with .key)')
    .option(...KEY_PASSWORD_FILE)
    .option('--chain <file>', 'further certificates for the PFX: intermediates, root')
    .option('--no-chain', 'the certificate alone, even when its file holds a chain')
    .addOption(
      new Option('--encryption <name>', '3des for Windows before Server 2019')
        .choices(PFX_ENCRYPTIONS)
        .default('aes-256'),
    )
    .option(
      '--microsoft',
      "a PFX whose key Windows puts where VMM needs a token issuer's (RSA only)",
    )
    .option('--password-file <file>', 'password of the PFX, - for standard input (default: asks)')
    .option('--json', 'what was written, as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  portcullis certs export broker/issuer.crt --microsoft --out issuer.pfx\n  portcullis certs export broker/issuer.crt --out issuer.cer',
    )
    .action(exportOne)
}

async function exportOne(file: string, options: Options): Promise<void> {
  const format = options.format ?? formatOf(options.out)
  const written =
    format === 'pfx' ? await makePfx(file, options) : makeCertificate(file, format, options)
  writeNewFiles([written])
  if (options.json) printJson({ file: options.out, format, holdsKey: format === 'pfx' })
  else print(options.out)
}

/** @throws BrokerError `ERR_USAGE` */
function formatOf(out: string): Format {
  switch (extname(out).toLowerCase()) {
    case '.pfx':
    case '.p12':
      return 'pfx'
    case '.cer':
    case '.der':
      return 'der'
    case '.crt':
    case '.pem':
      return 'pem'
    default:
      throw new BrokerError(
        'ERR_USAGE',
        `--format: ${out} does not say which; need ${FORMATS.join(', ')}`,
      )
  }
}

function makeCertificate(file: string, format: 'der' | 'pem', { out, chain }: Options): NewFile {
  const certificates = readCertificates(readBytes(file, 'certificate'), file)
  const [leaf] = certificates
  if (leaf === undefined) throw new BrokerError('ERR_CERTIFICATE', `${file}: holds no certificate`)
  if (format === 'der') return { path: out, content: leaf.der }
  const kept = chain === false ? [leaf] : certificates
  return { path: out, content: kept.map(({ pem }) => pem).join('') }
}

async function makePfx(file: string, options: Options): Promise<NewFile> {
  const { out, chain, encryption, microsoft, passwordFile } = options
  const keyFile = options.key ?? file.replace(/\.[^./]+$/, '.key')
  const certificates = [
    ...readCertificates(readBytes(file, 'certificate'), file),
    ...(typeof chain === 'string' ? readCertificates(readBytes(chain, '--chain'), chain) : []),
  ]
  const pair = {
    certificatePem: certificates.map(({ pem }) => pem).join(''),
    privateKeyPem: await readKeyFile(keyFile, '--key', options.keyPasswordFile),
  }
  const { privateKey } = checkPair(pair, file)
  if (microsoft && privateKey.asymmetricKeyType !== 'rsa') {
    throw new BrokerError(
      'ERR_CERTIFICATE',
      `${file}: need an RSA key for --microsoft, have ${privateKey.asymmetricKeyType}`,
    )
  }
  const question = `password for ${out}`
  const content = await encodePfx({
    pair,
    password: await readPassword({ passwordFile, question, twice: true }),
    chain: chain !== false,
    encryption,
    ...(microsoft ? { provider: RSA_AND_AES_PROVIDER } : {}),
  })
  return { path: out, content, secret: true }
}
