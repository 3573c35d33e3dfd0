import { errorText } from './log.ts'

const PROBLEMS: Record<string, string> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'this user may not open it',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is no directory',
}

/** What the system said about a file, in words. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return PROBLEMS[code] ?? errorText(error)
}
