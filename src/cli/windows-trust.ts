import type { Certificate } from '../certs/index.ts'

/**
 * PowerShell that makes Microsoft's verifiers trust issuers: text in, text out. The WMI classes are those of
 * Microsoft's documentation of Console Connect; see README, "Microsoft's gateways and hosts".
 */

export const WINDOWS_VERIFIERS = ['hyperv', 'rdgateway'] as const
export type WindowsVerifier = (typeof WINDOWS_VERIFIERS)[number]

/**
 * A script for Windows PowerShell 5.1, run as administrator on the machine that is to verify. It holds
 * public certificates alone.
 *
 * @param issuers at least one; their order is kept
 */
export function renderWindowsTrust(
  verifier: WindowsVerifier,
  issuers: readonly Certificate[],
): string {
  const { about, parameters, install } = SCRIPTS[verifier]
  const text = [
    '#Requires -Version 5.1',
    '#Requires -RunAsAdministrator',
    `# ${about}`,
    '# Made by "portcullis issuer powershell". It holds public certificates, no key and no token.',
    `param(${parameters})`,
    "$ErrorActionPreference = 'Stop'",
    "if ($PSVersionTable.PSEdition -eq 'Core') { throw 'need Windows PowerShell 5.1 (powershell.exe): this one has no WMI cmdlets' }",
    '',
    '# Thumbprints are SHA-1, as Windows shows them; certificates are DER in base64.',
    '$issuers = @(',
    ...issuers.map(renderIssuer),
    ')',
    INSTALL_CERTIFICATES,
    install,
  ].join('\n')
  // As Windows writes it; PowerShell reads both.
  return text.replaceAll('\n', '\r\n')
}

/** INVARIANT: what goes into the script is hex digits, base64, and a comment of printable ASCII on one line. */
function renderIssuer({ subject, notAfter, sha1Thumbprint, der }: Certificate): string {
  const shown = subject.replaceAll(/[^ -~]/g, '?').slice(0, 200)
  const until = notAfter.toISOString().slice(0, 10)
  const certificate = Buffer.from(der).toString('base64')
  return [
    `  # ${shown}, until ${until}`,
    `  @{ Thumbprint = '${sha1Thumbprint}'; Certificate = '${certificate}' }`,
  ].join('\n')
}

const INSTALL_CERTIFICATES = `
$store = New-Object System.Security.Cryptography.X509Certificates.X509Store('My', 'LocalMachine')
$store.Open('ReadWrite')
try {
  foreach ($issuer in $issuers) {
    $bytes = [Convert]::FromBase64String($issuer.Certificate)
    $certificate = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2(,$bytes)
    if ($certificate.Thumbprint -ne $issuer.Thumbprint) { throw "the certificate of $($issuer.Thumbprint) was changed" }
    $store.Add($certificate)
    $chain = New-Object System.Security.Cryptography.X509Certificates.X509Chain
    $chain.ChainPolicy.RevocationMode = 'NoCheck'
    if (-not $chain.Build($certificate)) {
      $why = ($chain.ChainStatus | ForEach-Object { $_.StatusInformation.Trim() }) -join '; '
      Write-Warning "$($issuer.Thumbprint) is not trusted yet: put its authority into the Trusted Root store of this machine ($why)"
    }
  }
} finally { $store.Close() }
$thumbprints = [string[]]($issuers | ForEach-Object { $_.Thumbprint })
`

const HYPERV = `
$namespace = 'root\\virtualization\\v2'
$service = Get-WmiObject -Namespace $namespace -Class Msvm_TerminalService
$settings = Get-WmiObject -Namespace $namespace -Class Msvm_TerminalServiceSettingData
if ($null -eq $service -or $null -eq $settings) { throw 'this machine has no Hyper-V console service' }
$before = @($settings.TrustedIssuerCertificateHashes | Where-Object { $_ })
if ($Keep) { $thumbprints = [string[]](@($before) + $thumbprints | Select-Object -Unique) }
$settings.TrustedIssuerCertificateHashes = $thumbprints
# Tokens are signed with one of these; SHA-1 is none of them.
$settings.AllowedHashAlgorithms = [string[]]@('SHA256', 'SHA512')
$result = $service.ModifyServiceSettings($settings.GetText(1))
# 4096: it goes on as a job.
if ($result.ReturnValue -notin 0, 4096) { throw "ModifyServiceSettings: $($result.ReturnValue)" }
Write-Output "trusted before: $($before -join ', ')"
Write-Output "trusted now:    $($thumbprints -join ', ')"
# The service reads certificates that come after its settings only when it starts; machines go on.
Restart-Service -Name vmms
`

const RD_GATEWAY = `
if ($Thumbprint) {
  $thumbprints = [string[]]($thumbprints | Where-Object { $_ -eq $Thumbprint })
  if ($thumbprints.Count -eq 0) { throw "$Thumbprint is none of the issuers in this script" }
}
$settings = Get-WmiObject -Namespace 'root\\TSGatewayFedAuth2' -Class FedAuthSettings
if ($null -eq $settings) { throw 'the Console Connect plug-in is not installed: run RDGatewayFedAuth.msi first' }
$before = @($settings.TrustedIssuerCertificates) -join ', '
if ($settings.Properties['TrustedIssuerCertificates'].IsArray) { $settings.TrustedIssuerCertificates = $thumbprints }
elseif ($thumbprints.Count -eq 1) { $settings.TrustedIssuerCertificates = $thumbprints[0] }
else { throw "this plug-in takes one issuer: name it with -Thumbprint, one of $($thumbprints -join ', ')" }
$settings.Put() | Out-Null
Write-Output "trusted before: $before"
Write-Output "trusted now:    $($thumbprints -join ', ')"
if ($InstallPlugIns) {
  $gateway = Get-WmiObject -Namespace 'root\\CIMV2\\TerminalServices' -Class Win32_TSGatewayServerSettings -Authentication PacketPrivacy
  foreach ($result in @(
    $gateway.SetAuthenticationPlugin('FedAuthAuthenticationPlugin'),
    $gateway.SetAuthorizationPlugin('FedAuthAuthorizationPlugin'),
    $gateway.RecycleRpcApplicationPools()
  )) { if ($result.ReturnValue -ne 0) { throw "RD Gateway refused with $($result.ReturnValue)" } }
}
# It reads its settings when it starts; this ends the sessions that are open.
Restart-Service -Name TSGateway -Force
`

const SCRIPTS: Record<WindowsVerifier, { about: string; parameters: string; install: string }> = {
  hyperv: {
    about:
      'A Hyper-V host trusts these issuers for the tokens of its consoles, and with -Keep those it trusted before.',
    parameters: '[switch] $Keep',
    install: HYPERV,
  },
  rdgateway: {
    about:
      'A Microsoft RD Gateway trusts these issuers. With -InstallPlugIns it serves consoles, and nothing else any more.',
    parameters: '[string] $Thumbprint, [switch] $InstallPlugIns',
    install: RD_GATEWAY,
  },
}
