import {
  checkPair,
  decodePfx,
  decodeSignedData,
  readCertificate,
  readCertificates,
} from '../../../src/certs/index.ts'
import { parseRemembered } from '../../../src/control/index.ts'
import { BrokerError, Secret } from '../../../src/lib/index.ts'
import { lintRdpFile, parseRdpFile, verifyRdpFile } from '../../../src/rdpfile/index.ts'
import { parseThumbprint } from '../../../src/tokens/index.ts'
import type { FuzzTarget } from '../target.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12)
/** Of the PFX files in the corpus, which nothing else ever used. */
const PASSWORD = new Secret('correct horse')
const PEM_WORDS = [
  '-----BEGIN PKCS7-----\n',
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----\n',
  '\n',
  '=',
  'MII',
]
const RDP_WORDS = [
  'signature:s:AQABAAEAAAA',
  'signscope:s:Full Address',
  'full address:s:192.0.2.10\r\n',
  'pcb:s:',
  '\r\n',
  '\0',
  ':i:',
]

/** What operators hand over as files or paste. */
export const FILE_TARGETS: readonly FuzzTarget[] = [
  {
    kind: 'decoder',
    name: 'certificate-der',
    covers: ['certs/certificate.ts:readCertificate'],
    mayThrow: [BrokerError],
    decode: (bytes) => describe(readCertificate(bytes)),
  },
  {
    kind: 'decoder',
    name: 'certificate-pem',
    covers: ['certs/chain.ts:readCertificates'],
    mayThrow: [BrokerError],
    dictionary: PEM_WORDS,
    decode: (bytes) => readCertificates(bytes).map(describe),
  },
  {
    kind: 'decoder',
    name: 'private-key-pem',
    covers: ['certs/private-key.ts:readPrivateKey'],
    mayThrow: [BrokerError],
    dictionary: [
      '-----BEGIN EC PRIVATE KEY-----\n',
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\n',
      '\n',
    ],
    decode(bytes) {
      const [certificatePem = '', privateKeyPem = ''] = bytes.toString('latin1').split('#')
      return describe(checkPair({ certificatePem, privateKeyPem }).certificate)
    },
  },
  {
    kind: 'decoder',
    name: 'pfx',
    covers: ['certs/pfx.ts:decodePfx', 'certs/der.ts:decodeDer'],
    mayThrow: [BrokerError],
    // Its own work factor decides, up to 5,000,000 rounds.
    maxMs: 20_000,
    decode: (bytes) => decodePfx(bytes, PASSWORD),
  },
  {
    kind: 'decoder',
    name: 'signed-data',
    covers: ['certs/signed-data.ts:decodeSignedData'],
    mayThrow: [BrokerError],
    decode(bytes) {
      const { digest, signer, certificates, signature } = decodeSignedData(bytes)
      return { digest, signer: signer.pem, count: certificates.length, signature }
    },
  },
  {
    kind: 'decoder',
    name: 'rdp-file',
    covers: [
      'rdpfile/parse.ts:parseRdpFile',
      'rdpfile/parse.ts:parseLine',
      'rdpfile/parse.ts:decodeText',
      'rdpfile/signature.ts:decodeSignature',
    ],
    mayThrow: [BrokerError],
    dictionary: [...RDP_WORDS, ...RDP_WORDS.map((word) => [...word].join('\0'))],
    maxBytes: 16_000,
    decode(bytes) {
      // Lint takes whatever it is given.
      const findings = lintRdpFile(bytes, { nowMs: NOW_MS })
      const { verdict } = verifyRdpFile(bytes, { nowMs: NOW_MS })
      return { findings, verdict, settings: parseRdpFile(bytes).settings }
    },
  },
  {
    kind: 'decoder',
    name: 'thumbprint',
    covers: ['tokens/thumbprint.ts:parseThumbprint'],
    mayThrow: [BrokerError],
    dictionary: [':', ' ', '\u200e', '00'],
    decode: (bytes) => parseThumbprint(bytes.toString()),
  },
  {
    kind: 'decoder',
    name: 'remembered-trust',
    covers: ['control/remembered.ts:parseRemembered'],
    mayThrow: [BrokerError],
    dictionary: ['{', '}', '[', ']', '"', ',', ':', '1e400', 'null', '__proto__'],
    decode: (bytes) => parseRemembered(bytes.toString()),
  },
]

function describe(certificate: ReturnType<typeof readCertificate>): unknown {
  const { publicKey, der, ...rest } = certificate
  return { ...rest, der: Buffer.from(der).toString('hex'), key: publicKey.asymmetricKeyType }
}
