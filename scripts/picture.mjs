// Draws terminal output as an SVG: FORCE_COLOR=1 npm run --silent demo -- --once 2>/dev/null | node scripts/picture.mjs > docs/demo.svg
import { readFileSync } from 'node:fs'

const colours = {
  30: '#6e7681',
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
  37: '#e6edf3',
  90: '#8b949e',
  91: '#ffa198',
  92: '#a5f3ab',
  93: '#f2cc60',
  94: '#a5d6ff',
  95: '#e2c5ff',
  96: '#b3f0ff',
  97: '#ffffff',
}
const columnWidth = 8.43
const lineHeight = 19
const margin = 18
const titleHeight = 34

const lines = readFileSync(0, 'utf8').trimEnd().split('\n').map(runsOf)
const columns = Math.max(72, ...lines.map(runs => runs.reduce((sum, run) => sum + [...run.text].length, 0)))
const width = Math.ceil(columns * columnWidth + 2 * margin)
const height = titleHeight + lines.length * lineHeight + margin

const texts = lines.map((runs, row) => {
  const spans = runs.map(run => `<tspan${style(run)}>${escaped(run.text)}</tspan>`).join('')
  return `<text x="${margin}" y="${titleHeight + (row + 0.8) * lineHeight}" xml:space="preserve">${spans}</text>`
})
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of tasklane demo">
<style>text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #e6edf3 }</style>
<rect width="100%" height="100%" rx="10" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
${texts.join('\n')}
</svg>
`)

/** Cuts a line into runs of one look. */
function runsOf(line) {
  const runs = []
  let look = { colour: null, isBold: false, isDim: false }
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    const codes = /^\x1b\[([0-9;]*)m$/.exec(part)
    if (codes === null) {
      if (part !== '') runs.push({ text: part.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, ''), ...look })
      continue
    }
    for (const code of codes[1].split(';').map(Number)) look = apply(look, code)
  }
  return runs
}

function apply(look, code) {
  if (code === 0) return { colour: null, isBold: false, isDim: false }
  if (code === 1) return { ...look, isBold: true }
  if (code === 2) return { ...look, isDim: true }
  if (code === 22) return { ...look, isBold: false, isDim: false }
  if (code === 39) return { ...look, colour: null }
  return code in colours ? { ...look, colour: colours[code] } : look
}

function style({ colour, isBold, isDim }) {
  return `${colour === null ? '' : ` fill="${colour}"`}${isBold ? ' font-weight="bold"' : ''}${isDim ? ' opacity="0.6"' : ''}`
}

function escaped(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
