// Samples in, text out. A row is a peer in one configuration; a cell is one measure of it.
import { median } from '../report.mjs'

/**
 * @param samples of one cell: a rate, or percentiles, or `{ fault }` each
 * @returns `{ values: { name: { median, min, max } } }`, or `{ fault }` if one run gave no number: a row that lost work
 *   once has no median
 */
export function summarize(samples) {
  const faults = samples.filter(sample => sample.fault !== undefined)
  if (faults.length > 0) return { fault: `${faults.length} of ${samples.length} runs: ${faults[0].fault}` }
  const names = Object.keys(samples[0] ?? {})
  if (names.length === 0) return { fault: 'no run' }
  const values = names.map(name => {
    const sorted = samples.map(sample => sample[name]).sort((one, other) => one - other)
    return [name, { median: median(sorted), min: sorted[0], max: sorted.at(-1) }]
  })
  return { values: Object.fromEntries(values) }
}

/**
 * @param rows `{ title, durability, over, keeps, settings, missing, cells: { measure: summary and tasks } }` each
 * @param measures `{ name: { title, unit } }`
 */
export function renderTable(rows, measures) {
  const width = Math.max(...rows.map(row => row.title.length))
  const blocks = Object.entries(measures).map(([name, { title, unit }]) => {
    const lines = rows.map(row => `  ${row.title.padEnd(width)}  ${renderCell(row, row.cells[name], unit)}`)
    return [`${title} (${unit})`, ...lines].join('\n')
  })
  const facts = [
    ['durability', 'durability'],
    ['spoken to over', 'over'],
    ['keeps when done', 'keeps'],
    ['settings', 'settings'],
  ].map(([title, key]) => [title, ...rows.map(row => `  ${row.title.padEnd(width)}  ${row[key]}`)].join('\n'))
  return [...blocks, ...facts].join('\n\n')
}

function renderCell(row, cell, unit) {
  if (row.missing !== null) return `not measured: ${oneLine(row.missing)}`
  if (cell.fault !== undefined) return `no number: ${oneLine(cell.fault)}`
  const parts = Object.entries(cell.values).map(([name, { median: middle, min, max }]) => {
    const label = name === 'rate' ? '' : `${name} `
    return `${label}${amount(middle, unit).padStart(unit === 'ms' ? 6 : 9)}  ${`(${amount(min, unit)}–${amount(max, unit)})`.padEnd(19)}`
  })
  return `${parts.join('  ')}  ${cell.tasks.toLocaleString('en-US')} tasks`
}

export function amount(value, unit) {
  return unit === 'ms' ? value.toFixed(2) : Math.round(value).toLocaleString('en-US')
}

function oneLine(text) {
  return text.replaceAll(/\s+/g, ' ').slice(0, 200)
}
