/**
 * `.rdp` files: what a console file says, how it is written, how any of them is read, signed,
 * verified and checked. Values in, bytes out and back; nothing is opened or sent. Start with
 * `settings.ts`, the table of what we write and why, and `sign.ts`.
 */
export { type ConsoleFileInput, type ConsoleKind, renderConsoleFile } from './console-file.ts'
export { consoleFileName } from './file-name.ts'
export type { RdpFinding, RdpFindingCode } from './finding.ts'
export { lintRdpFile } from './lint.ts'
export { parseRdpFile, type RdpFile } from './parse.ts'
export { createPublisher, type Publisher } from './publisher.ts'
export { type RdpSetting, renderRdpFile, type SettingType } from './render.ts'
export { SIGNABLE_SETTINGS } from './scope.ts'
export { CONSOLE_SETTINGS, type SettingName, type SettingRow } from './settings.ts'
export { signRdpFile } from './sign.ts'
export {
  type RdpVerdict,
  type RdpVerification,
  type VerifyOptions,
  verifyRdpFile,
} from './verify.ts'
