/** The report's look: the system's fonts, both colour schemes, and paper. */
export const STYLE = `
:root {
  --text: #1b1f24; --quiet: #59636e; --page: #f6f8fa; --card: #ffffff; --line: #d1d9e0;
  --ok: #1a7f37; --fail: #cf222e; --fail-back: #ffebe9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --quiet: #9198a1; --page: #0d1117; --card: #161b22; --line: #30363d;
    --ok: #3fb950; --fail: #f85149; --fail-back: #3d1215;
  }
}
* { box-sizing: border-box }
body {
  margin: 0 auto; max-width: 88rem; padding: 1.5rem; background: var(--page); color: var(--text);
  font: 0.9375rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.6rem }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.2rem }
h3 { margin: 0 0 0.5rem; font-size: 1rem }
h3 code { font-weight: normal; color: var(--quiet); white-space: nowrap }
header p { max-width: 50rem }
.contents { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; margin: 1rem 0 0; padding: 0; list-style: none }
dl { display: flex; flex-wrap: wrap; gap: 0.25rem 2rem; margin: 1rem 0 }
dt { color: var(--quiet); font-size: 0.8125rem }
dd { margin: 0; font-variant-numeric: tabular-nums }
code, pre, .id { font-family: ui-monospace, monospace; font-size: 0.8125rem }
.verdict { margin: 0.25rem 0; font-size: 1.1rem; font-weight: 600 }
.verdict.ok, .ok > h3 .mark { color: var(--ok) }
.verdict.fail, .fail > h3 .mark { color: var(--fail) }
.mark {
  display: inline-block; min-width: 2.6rem; padding: 0 0.4rem; border: 1px solid; border-radius: 0.3rem;
  font-size: 0.75rem; text-align: center; text-transform: uppercase;
}
article {
  margin: 0 0 1rem; padding: 1rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 0.5rem;
}
article.fail { border-color: var(--fail) }
article.skip ul { margin: 0; padding-left: 1.25rem }
article.skip li + li { margin-top: 0.5rem }
.scroll { overflow-x: auto }
table { width: 100%; min-width: 66rem; border-collapse: collapse; table-layout: fixed }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top }
thead th { border: 0; color: var(--quiet); font-size: 0.8125rem; font-weight: normal }
thead th:nth-child(1) { width: 18% }
thead th:nth-child(2) { width: 7.5rem }
thead th:nth-child(3) { width: 25% }
thead th:nth-child(5) { width: 21% }
tbody th { font-weight: normal }
td { overflow-wrap: anywhere }
tr.fail > * { background: var(--fail-back) }
.number { white-space: nowrap; font-variant-numeric: tabular-nums }
.open { color: var(--ok) }
.quiet, .id { color: var(--quiet) }
.id { font-size: 0.6875rem }
.fault { margin: 0.25rem 0 0; color: var(--fail); font-weight: 600 }
summary { color: var(--quiet); font-size: 0.8125rem; cursor: pointer }
pre { margin: 0.25rem 0; max-width: 60rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
a { color: inherit }
@media screen and (max-width: 60rem) {
  body { padding: 0.75rem }
  h3 code { white-space: normal; overflow-wrap: anywhere }
  table { display: block; min-width: 0 }
  thead { display: none }
  tbody, tbody th, td { display: block }
  tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 0.5rem 1rem; padding: 0.5rem 0; border-top: 1px solid var(--line) }
  tr.fail { padding: 0.5rem; background: var(--fail-back) }
  tbody th { grid-column: 1 / -1; font-weight: 600 }
  tbody th, td { padding: 0; border: 0 }
  td::before { content: attr(data-head); display: block; color: var(--quiet); font-size: 0.8125rem }
}
@media print { body { max-width: none } article { break-inside: avoid } }
`
