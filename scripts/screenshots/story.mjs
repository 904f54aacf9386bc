// A seeded day in the life of a shop: what is submitted, so that every page has something to show. The same each time.
const customers = ['Nordwind GmbH', 'Atelier Lune', 'Hafen Supply', 'Casa Verde', 'Blue Kiln', 'Orchard & Sons']
const kinds = [
  ['invoice.render', 'billing', 'Invoice for'],
  ['mail.send', 'mail', 'Receipt to'],
  ['image.resize', 'media', 'Pictures of'],
  ['report.build', 'reports', 'Monthly report,'],
  ['stock.sync', 'default', 'Stock of'],
]

/** Numbers by chance that are the same for the same seed (mulberry32). */
export function chance(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `count` tasks of the usual mix; one in twelve fails. */
export function usualTasks(random, count, seconds) {
  return Array.from({ length: count }, () => {
    const [task_type, queue, words] = kinds[Math.floor(random() * kinds.length)]
    const customer = customers[Math.floor(random() * customers.length)]
    const fails = random() < 1 / 12
    return {
      task_type,
      queue,
      name: `${words} ${customer}`,
      payload: { customer, seconds: seconds * (0.4 + random()), ...(fails ? { fails } : {}) },
      priority: 1 + Math.floor(random() * 10),
      max_retries: fails ? 1 : 3,
      labels: { customer: customer.split(' ')[0].toLowerCase(), ...(random() < 0.3 ? { tier: 'gold' } : {}) },
    }
  })
}

/** A report of many parts: fetched, rendered, merged in two steps, sent. */
export function graphTasks(random, prefix) {
  const task = (id, task_type, name, dependencies, seconds) => ({
    task_id: `${prefix}-${id}`,
    task_type,
    name,
    queue: 'reports',
    priority: 9,
    payload: { customer: 'Nordwind GmbH', seconds },
    dependencies: dependencies.map(each => `${prefix}-${each}`),
  })
  const regions = ['north', 'east', 'south', 'west', 'islands']
  return [
    task('open', 'stock.sync', 'Open the books', [], 0.6),
    ...regions.flatMap(region => [
      task(`fetch-${region}`, 'stock.sync', `Fetch ${region}`, ['open'], 0.5 + random() * 1.5),
      task(`render-${region}`, 'invoice.render', `Render ${region}`, [`fetch-${region}`], 1 + random() * 4),
      task(`picture-${region}`, 'image.resize', `Charts of ${region}`, [`fetch-${region}`], 1 + random() * 6),
    ]),
    task(
      'merge-inland',
      'report.build',
      'Merge inland',
      ['render-north', 'render-east', 'picture-north', 'picture-east'],
      4,
    ),
    task(
      'merge-coast',
      'report.build',
      'Merge coast',
      ['render-south', 'render-west', 'render-islands', 'picture-south', 'picture-west', 'picture-islands'],
      5,
    ),
    task('close', 'report.build', 'Close the month', ['merge-inland', 'merge-coast'], 3),
    task('send', 'mail.send', 'Send to the board', ['close'], 1),
    task('keep', 'stock.sync', 'Put into the archive', ['close'], 1),
  ]
}

export const workers = [
  ['render-1', ['--capabilities', 'invoice.render,report.build', '--concurrency', '4']],
  ['render-2', ['--capabilities', 'invoice.render,report.build', '--concurrency', '4']],
  ['media-1', ['--capabilities', 'image.resize', '--concurrency', '6']],
  ['mail-1', ['--capabilities', 'mail.send,stock.sync', '--concurrency', '8']],
]
