/**
 * A histogram of Prometheus for what happens with every task: to observe a value costs a twentieth of a microsecond,
 * where `prom-client` hashes the labels each time, which costs ten times that. Its text is put beside that of the registry.
 */
export interface Histogram<Label extends string> {
  /** The series of these labels; to be kept by those who observe often. */
  labels(values: Readonly<Record<Label, string>>): Series
  /** Its lines of the text format. A series is told from its first value on; one without labels always. */
  text(): string
}

export interface Series {
  /** @param value seconds */
  observe(value: number): void
}

export interface HistogramSettings<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Label[]
  /** Upper bounds, ascending; what is above the last counts as infinite. */
  readonly buckets: readonly number[]
}

interface Counts {
  readonly labels: string
  /** By bucket, the infinite one last; each value counts in the first bucket that holds it. */
  readonly byBucket: Float64Array
  sum: number
  readonly series: Series
}

export function createHistogram<Label extends string>(settings: HistogramSettings<Label>): Histogram<Label> {
  const { name, help, labelNames, buckets } = settings
  const known = new Map<string, Counts>()

  function countsOf(labels: string): Counts {
    const kept = known.get(labels)
    if (kept !== undefined) return kept
    const counts: Counts = {
      labels,
      byBucket: new Float64Array(buckets.length + 1),
      sum: 0,
      series: Object.freeze<Series>({ observe: value => observe(counts, value) }),
    }
    known.set(labels, counts)
    return counts
  }

  function observe(counts: Counts, value: number): void {
    const { byBucket } = counts
    let at = 0
    while (at < buckets.length && value > (buckets[at] ?? 0)) at += 1
    byBucket[at] = (byBucket[at] ?? 0) + 1
    counts.sum += value
  }

  if (labelNames.length === 0) countsOf('')
  return Object.freeze<Histogram<Label>>({
    labels: values => countsOf(labelNames.map(label => `${label}="${escaped(values[label])}"`).join(',')).series,
    text: () => {
      const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`]
      for (const counts of known.values()) lines.push(...linesOf(name, buckets, counts, labelNames.length === 0))
      return `${lines.join('\n')}\n`
    },
  })
}

function linesOf(
  name: string,
  buckets: readonly number[],
  { labels, byBucket, sum }: Counts,
  isToldEmpty: boolean,
): readonly string[] {
  const lines: string[] = []
  let count = 0
  for (const [at, inBucket] of byBucket.entries()) {
    count += inBucket
    lines.push(`${name}_bucket{le="${buckets[at] ?? '+Inf'}"${labels === '' ? '' : `,${labels}`}} ${count}`)
  }
  if (count === 0 && !isToldEmpty) return []
  const own = labels === '' ? '' : `{${labels}}`
  return [...lines, `${name}_sum${own} ${sum}`, `${name}_count${own} ${count}`]
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
