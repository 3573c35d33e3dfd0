import { escapeHtml } from '../lib/index.ts'
import type { Problem } from './errors.ts'

/** The page that a browser gets in place of problem+json where the portal has none of its own: one sentence and the reference, no script. */
export function renderProblemPage({ title, detail, ref }: Problem): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>body { max-width: 36rem; margin: 12vh auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(detail)}</p>
<p>Reference for support: <strong>${escapeHtml(ref)}</strong></p>
</body>
</html>
`
}
