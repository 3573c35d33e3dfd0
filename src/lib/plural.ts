/** `1 error`, `2 errors`, `0 errors`: for units that take an s. */
export function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
