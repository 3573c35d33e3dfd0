import { escapeHtml } from '../lib/index.ts'
import type { Problem } from './errors.ts'

/** The page that a browser gets in place of problem+json: one sentence and the reference, no script. */
export function renderProblemPage({ title, detail, ref }: Problem): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(detail)}</p>
<p>Reference for support: <strong>${escapeHtml(ref)}</strong></p>
</body>
</html>
`
}
