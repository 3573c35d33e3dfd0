/**
 * `.rdp` files: what a console file says, how it is written, how any of them is read. Values in, bytes
 * out and back; nothing is opened or sent. Start with `settings.ts`, the table of what we write and why.
 */
export { type ConsoleFileInput, type ConsoleKind, renderConsoleFile } from './console-file.ts'
export { consoleFileName } from './file-name.ts'
export { parseRdpFile, type RdpFile } from './parse.ts'
export { type RdpSetting, renderRdpFile, type SettingType } from './render.ts'
export { CONSOLE_SETTINGS, type SettingName, type SettingRow } from './settings.ts'
