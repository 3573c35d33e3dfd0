import { fault, type RdpFinding, warning } from './finding.ts'
import type { RdpSetting } from './render.ts'
import { CONSOLE_SETTINGS, REDIRECTIONS, type SettingRow } from './settings.ts'

/** No client is known to cut a token of this length. */
const SAFE_TOKEN_CHARACTERS = 800
/** The broker mints none that is longer. */
const MAX_TOKEN_CHARACTERS = 1500

/** Values by name in lower case. */
type Values = ReadonlyMap<string, string>

/** What a console file asks its client for. */
export function lintSettings(settings: readonly RdpSetting[]): RdpFinding[] {
  const values = new Map(settings.map(({ name, value }) => [name.toLowerCase(), value.trim()]))
  return [
    ...lintAddress(values),
    ...lintGateway(values),
    ...lintSignIn(values),
    ...REDIRECTIONS.flatMap((row) => lintRedirection(row, values)),
    ...lintAbsent(values),
  ]
}

function lintAddress(values: Values): RdpFinding[] {
  const address = values.get('full address') ?? ''
  if (address === '') {
    return [
      fault({
        code: 'address-missing',
        setting: 'full address',
        message: 'full address: missing, the one setting that no client can do without',
        fix: 'take a new file',
      }),
    ]
  }
  const alternate = values.get('alternate full address') ?? address
  if (alternate === address) return []
  return [
    fault({
      code: 'address-differs',
      setting: 'alternate full address',
      message: `alternate full address: ${alternate}, which clients prefer to full address ${address}`,
      fix: 'make both the same',
    }),
  ]
}

function lintGateway(values: Values): RdpFinding[] {
  const setting = 'gatewayhostname'
  if ((values.get(setting) ?? '') === '') {
    const message = `${setting}: missing, the client would dial the host itself`
    return [fault({ code: 'gateway-missing', setting, message, fix: "write the farm's address" })]
  }
  return [...lintUsage(values), ...lintToken(values)]
}

function lintUsage(values: Values): RdpFinding[] {
  const setting = 'gatewayusagemethod'
  const usage = values.get(setting) ?? '0'
  if (usage === '1') return []
  const effect =
    usage === '2' ? 'the client tries the host itself first' : 'the gateway may be left out'
  const finding = { code: 'gateway-optional', setting, fix: `write ${setting}:i:1` } as const
  const message = `${setting}: ${usage}, ${effect}`
  return [usage === '2' ? warning({ ...finding, message }) : fault({ ...finding, message })]
}

function lintToken(values: Values): RdpFinding[] {
  const setting = 'gatewayaccesstoken'
  const { length } = values.get(setting) ?? ''
  if (length === 0) {
    const message = `${setting}: missing`
    return [fault({ code: 'token-missing', setting, message, fix: 'take a new file' })]
  }
  const findings: RdpFinding[] = []
  const source = values.get('gatewaycredentialssource') ?? '0'
  if (source !== '5') {
    findings.push(
      fault({
        code: 'token-unused',
        setting: 'gatewaycredentialssource',
        message: `gatewaycredentialssource: ${source}, so the token is not presented`,
        fix: 'write gatewaycredentialssource:i:5',
      }),
    )
  }
  if (length > SAFE_TOKEN_CHARACTERS) {
    const tooLong = length > MAX_TOKEN_CHARACTERS
    findings.push({
      code: 'token-long',
      severity: tooLong ? 'error' : 'warning',
      setting,
      message: `${setting}: ${length} characters, need at most ${tooLong ? MAX_TOKEN_CHARACTERS : SAFE_TOKEN_CHARACTERS}`,
      fix: 'sign tokens with an EC P-256 key',
    })
  }
  return findings
}

function lintSignIn(values: Values): RdpFinding[] {
  const findings: RdpFinding[] = []
  for (const setting of ['username', 'password 51'].filter((name) => values.has(name))) {
    const message = `${setting}: whoever finds the file has it`
    findings.push(warning({ code: 'credentials', setting, message, fix: 'remove the line' }))
  }
  if (values.get('authentication level') === '0') {
    findings.push(
      warning({
        code: 'server-unchecked',
        setting: 'authentication level',
        message: 'authentication level: 0, the client does not look who the host is',
        fix: 'write authentication level:i:2',
      }),
    )
  }
  if ((values.get('alternate shell') ?? '') !== '') {
    findings.push(otherProgram('alternate shell', 'write alternate shell:s:'))
  }
  if ((values.get('remoteapplicationmode') ?? '0') !== '0') {
    findings.push(otherProgram('remoteapplicationmode', 'write remoteapplicationmode:i:0'))
  }
  return findings
}

function otherProgram(setting: string, fix: string): RdpFinding {
  const message = `${setting}: starts a program in place of the console`
  return warning({ code: 'other-program', setting, message, fix })
}

function lintRedirection(row: SettingRow, values: Values): RdpFinding[] {
  const { name: setting, value: safe } = row
  const value = values.get(setting)
  if (value === undefined || value === safe) return []
  const message = `${setting}: need ${quote(safe)}, have ${quote(value)}; clients warn of it, and a console needs none`
  return [warning({ code: 'redirection-on', setting, message, fix: `write ${lineOf(row)}` })]
}

/** What is absent takes the client's default, which for redirections is on, or can be added to a signed file. */
function lintAbsent(values: Values): RdpFinding[] {
  const redirections = new Set<string>(REDIRECTIONS.map(({ name }) => name))
  return CONSOLE_SETTINGS.flatMap((row: SettingRow) => {
    const { name: setting, signable, value } = row
    const matters = value !== undefined && (signable || redirections.has(setting))
    // Those of the gateway are told in words of their own.
    if (!matters || values.has(setting) || setting.startsWith('gateway')) return []
    const message = `${setting}: missing, the client's own default counts`
    return [warning({ code: 'not-explicit', setting, message, fix: `write ${lineOf(row)}` })]
  })
}

function lineOf({ name, type, value = '' }: SettingRow): string {
  return `${name}:${type}:${value}`
}

function quote(value = ''): string {
  return value === '' ? 'nothing' : value
}
