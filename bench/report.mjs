// From samples to figures, ratios and lines.

/** @param samples figure → numbers, one a run */
export function summarise(samples, figures, aims) {
  const results = Object.entries(samples).map(([name, values]) => {
    const sorted = [...values].sort((one, other) => one - other)
    const [what, unit] = figures[name]
    return { name, what, unit, median: median(sorted), min: sorted[0], max: sorted.at(-1), samples: values }
  })
  const medianOf = name => results.find(result => result.name === name)?.median
  const checks = aims.flatMap(({ of, to, atLeast, atMost }) => {
    const own = medianOf(of)
    const limit = to === undefined ? 1 : medianOf(to)
    if (own === undefined || limit === undefined) return []
    const value = own / limit
    const isMet = atLeast === undefined ? (atMost === undefined ? null : value <= atMost) : value >= atLeast
    return [{ of, to: to ?? null, value, atLeast: atLeast ?? null, atMost: atMost ?? null, isMet }]
  })
  return { results, checks }
}

export function lines({ results, checks }) {
  const figures = results.map(
    ({ what, unit, median: middle, min, max }) =>
      `${what.padEnd(64)} ${amount(middle).padStart(9)} ${unit.padEnd(10)} (${amount(min)}–${amount(max)})`,
  )
  const aims = checks.map(({ of, to, value, atLeast, atMost, isMet }) => {
    const shown = to === null ? amount(value) : `${Math.round(value * 100)} %`
    const bound = atLeast ?? atMost
    const goal =
      bound === null
        ? ''
        : `${atLeast === null ? 'at most' : 'at least'} ${to === null ? amount(bound) : `${bound * 100} %`}: ${isMet ? 'met' : 'not met'}`
    return `${(to === null ? of : `${of} to ${to}`).padEnd(64)} ${shown.padStart(9)} ${goal}`.trimEnd()
  })
  return aims.length === 0 ? figures : [...figures, '', ...aims]
}

function amount(value) {
  return value < 100 ? value.toFixed(2) : Math.round(value).toLocaleString('en-US')
}

export function median(sorted) {
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
