import type { CategoryCount, Losses, LossReport } from '@palimpsest/core'
import { factWords } from './fact-words.ts'
import { percent } from './loss-table.ts'
import { isoTime } from './point-in-time.ts'
import { printableLine } from './printable.ts'
import { shrinkText } from './report-text.ts'
import { shortId } from './short-id.ts'
import { counted } from './text.ts'
import { tokenCount } from './token-count.ts'

/** How every page begins, so that an older one may be replaced. */
export const pageBeginning = '<!doctype html><!-- palimpsest report -->'

const longestQuote = 300

/**
 * The report as one page that needs nothing else: no script, no other file, and a policy that lets the browser fetch none. Whatever comes from a transcript is
 * text in it: escaped, on one line, cut.
 */
export function reportPage(report: LossReport, now: number): string {
  const { total, agents, forgottenMost, problemCount } = report
  const sections = agents.map((agent) => section(`${agent.agent}: ${counted(agent.compactions, 'compaction')}`, agent))
  return `${pageBeginning}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What compactions lost</title>
<style>${style}</style>
</head>
<body>
<h1>What ${escaped(counted(total.compactions, 'compaction'))} lost</h1>
<p class="quiet">${escaped(isoTime(now))}. A fact survives where its words stand verbatim in the summary or in an entry that was kept; said in other words it counts as gone.</p>
${section('All agents', total)}
${sections.length > 1 ? sections.join('\n') : ''}
${forgottenMost.length === 0 ? '' : quotes(forgottenMost)}
${problemCount === 0 ? '' : `<p class="quiet">${escaped(counted(problemCount, 'checkpoint'))} could not be read, or not wholly: palimpsest verify names the damage.</p>`}
</body>
</html>
`
}

function section(title: string, losses: Losses): string {
  return `<section>
<h2>${escaped(title)}</h2>
<p class="quiet">${escaped(shrinkText(losses))}</p>
<table>
<thead><tr><th></th><th>facts</th><th>whole</th><th>in part</th><th>gone</th><th class="bar"><i class="whole"></i> whole <i class="part"></i> in part <i class="none"></i> gone</th><th>gone</th></tr></thead>
<tbody>
${losses.categories.map(row).join('\n')}
</tbody>
</table>
</section>`
}

function row(count: CategoryCount): string {
  const { category, facts, whole, part, none } = count
  const numbers = [facts, whole, part, none].map((number) => `<td class="number">${tokenCount(number)}</td>`).join('')
  const width = (number: number) => `${((100 * number) / facts).toFixed(2)}%`
  const bar = `<td class="bar"><div><i class="whole" style="width:${width(whole)}"></i><i class="part" style="width:${width(part)}"></i><i class="none" style="width:${width(none)}"></i></div></td>`
  return `<tr><th>${escaped(factWords[category])}</th>${numbers}${bar}<td class="number">${escaped(percent(none, facts))}</td></tr>`
}

function quotes(facts: LossReport['forgottenMost']): string {
  const items = facts.map(({ agent, checkpointId, category, entryId, text }) => {
    const from = `${agent} ${shortId(checkpointId)} · ${entryId} · ${factWords[category]}`
    return `<li><code dir="ltr">${escaped(quoted(text))}</code> <span class="quiet">${escaped(quoted(from))}</span></li>`
  })
  return `<section>\n<h2>Gone without a trace</h2>\n<ol>\n${items.join('\n')}\n</ol>\n</section>`
}

function quoted(text: string): string {
  const line = [...printableLine(text.slice(0, 4 * longestQuote)).trim()]
  return line.length <= longestQuote ? line.join('') : `${line.slice(0, longestQuote).join('')}…`
}

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}

const style = `
:root { color-scheme: light dark; --whole: #2e9e5b; --part: #d9a21b; --none: #c9c9c9; }
@media (prefers-color-scheme: dark) { :root { --none: #4a4a4a; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
.quiet { opacity: .7; font-size: .9em; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: normal; white-space: nowrap; }
thead th, .number { text-align: right; } thead .bar { text-align: left; }
th, td { padding: .15rem .6rem; } td.bar { width: 45%; }
td.bar div { display: flex; height: .9em; } td.bar i { display: block; height: 100%; }
thead i { display: inline-block; width: .7em; height: .7em; }
.whole { background: var(--whole); } .part { background: var(--part); } .none { background: var(--none); }
code { overflow-wrap: anywhere; unicode-bidi: isolate; } li { margin: .3rem 0; }
`
