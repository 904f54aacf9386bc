// The worker process of a peer: it connects, says ready, starts taking tasks when it is told to, and tells every few
// milliseconds how many different tasks its handler has run. Arguments: the peer's module, its place as JSON, the tasks.
const [, , module, place, tasks] = process.argv
const { peer } = await import(module)

const seen = new Uint8Array(Number(tasks))
let handled = 0
const worker = await peer.work(
  JSON.parse(place),
  n => {
    if (seen[n] === 1) return
    seen[n] = 1
    handled += 1
  },
  { isIdle: false },
)

// A fault ends this process, and the bench sees that.
process.on('message', () => void worker.start().then(() => process.send('started')))
process.on('SIGTERM', () => void Promise.resolve(worker.stop()).then(() => process.exit(0)))
// Without the bench there is nobody to work for.
process.on('disconnect', () => process.exit(1))

let told = 0
setInterval(() => {
  if (told === handled) return
  told = handled
  process.send(handled)
}, 5)
process.send('ready')
