const MAX_CHARACTERS = 256

/**
 * A host's text as it may be shown to a person: one line, bounded, nothing that steers a terminal.
 *
 * @returns undefined when nothing is left
 */
export function toShown(text: string): string | undefined {
  // By code points, so that no pair is cut in half.
  const characters = [
    ...text
      .slice(0, 4 * MAX_CHARACTERS)
      .replaceAll(/\p{C}+/gu, ' ')
      .trim(),
  ]
  let shown = ''
  for (const character of characters) {
    if (shown.length + character.length > MAX_CHARACTERS) break
    shown += character
  }
  return shown === '' ? undefined : shown
}
