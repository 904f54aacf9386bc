// Graphs of some two thousand tasks, in the shapes that people make.

/** @returns tasks, parents first, and the id of the one whose graph shows all of them */
export const shapes = Object.freeze({
  'fan-out and fan-in': (id, tasks) => {
    const middle = Array.from({ length: tasks - 2 }, (_, n) => `${id}-m${n}`)
    return [task(`${id}-0`, []), ...middle.map(each => task(each, [`${id}-0`])), task(`${id}-end`, middle)]
  },
  '20 layers': (id, tasks) => layers(id, tasks, 20),
  chain: (id, tasks) => Array.from({ length: tasks }, (_, n) => task(`${id}-${n}`, n === 0 ? [] : [`${id}-${n - 1}`])),
})

/** A source, then layers of equal width in which each task needs two of the layer before. */
function layers(id, tasks, count) {
  const width = Math.floor((tasks - 1) / count)
  const name = (layer, n) => (layer < 0 ? `${id}-0` : `${id}-${layer}-${n % width}`)
  const list = [task(`${id}-0`, [])]
  for (let layer = 0; layer < count; layer += 1)
    for (let n = 0; n < width; n += 1)
      list.push(task(name(layer, n), [...new Set([name(layer - 1, n), name(layer - 1, n + 1)])]))
  return list
}

function task(id, dependencies) {
  return { task_id: id, task_type: 'noop', name: id.slice(id.indexOf('-') + 1), payload: {}, dependencies }
}
