import { quoteForShell } from '../../submit/code.ts'

export type WorkerLanguage = 'CLI' | 'TypeScript' | 'Python' | 'curl'
export const workerLanguages: readonly WorkerLanguage[] = ['CLI', 'TypeScript', 'Python', 'curl']

export interface WorkerWish {
  readonly url: string
  /** Null is whatever a built-in worker runs, or an example. */
  readonly type: string | null
  /** Null is every queue. */
  readonly queue: string | null
  readonly slots: number
  readonly needsToken: boolean
}

/** How to start one more worker; a test starts each of them and gives it a task. */
export function workerCode(wish: WorkerWish, language: WorkerLanguage): string {
  switch (language) {
    case 'CLI':
      return cliOf(wish)
    case 'TypeScript':
      return typeScriptOf(wish)
    case 'Python':
      return pythonOf(wish)
    case 'curl':
      return curlOf(wish)
  }
}

/** What is said beside the text. */
export function workerNote({ type }: WorkerWish, language: WorkerLanguage): string {
  if (language === 'CLI') {
    return type === null || builtIn.includes(type)
      ? 'Runs the built-in types. A module of your own types is its first argument: tasklane worker tasks.ts'
      : `tasks.ts is your module: it exports what defineTask makes, and one of its types is ${type}.`
  }
  if (language === 'TypeScript') return 'Save it as worker.ts and start it by: npx tsx worker.ts'
  if (language === 'Python')
    return "Save it as worker.py and start it by: python3 worker.py. Python's own library is enough."
  return 'For a shell with curl and jq: one task at a time. It shows the whole protocol; for more take one of the others.'
}

const builtIn = [
  'add',
  'multiply',
  'upper_case',
  'simulate',
  'sleep',
  'noop',
  'http_request',
  'count_file',
  'merge_counts',
]

function cliOf({ url, type, queue, slots, needsToken }: WorkerWish): string {
  const isOwn = type !== null && !builtIn.includes(type)
  return [
    needsToken ? 'TASKLANE_TOKEN=… tasklane worker' : 'tasklane worker',
    ...(isOwn ? ['tasks.ts'] : []),
    `--url=${quoteForShell(url)}`,
    `--concurrency=${slots}`,
    ...(queue === null ? [] : [`--queues=${quoteForShell(queue)}`]),
    ...(type === null ? [] : [`--capabilities=${quoteForShell(type)}`]),
  ].join(' ')
}

const exampleType = 'word_count'

function typeScriptOf({ url, type, queue, slots }: WorkerWish): string {
  const queues = queue === null ? '' : `\n  queues: [${JSON.stringify(queue)}],`
  return `import { defineTask, TasklaneWorker } from "@tasklane/sdk"

const task = defineTask({
  type: ${JSON.stringify(type ?? exampleType)},
  run: async (payload, ctx) => {
    ctx.log.info('It begins')
    ctx.progress(50, 'half way')
    return { got: payload }
  },
})

const worker = new TasklaneWorker({
  url: ${JSON.stringify(url)},
  tasks: [task],
  slots: ${slots},${queues}
})
await worker.start()
await worker.done`
}

function pythonOf({ url, type, queue, slots, needsToken }: WorkerWish): string {
  const token = needsToken ? ', "Authorization": "Bearer " + os.environ["TASKLANE_TOKEN"]' : ''
  const queues = queue === null ? '' : `\n        "queues": [${JSON.stringify(queue)}],`
  return `import json
import os
import threading
import time
import urllib.error
import urllib.request
import uuid

URL = ${JSON.stringify(url)}
NAME = "python-" + str(os.getpid())
INSTANCE = str(uuid.uuid4())
HEADERS = {"Content-Type": "application/json"${token}}
SLOTS = ${slots}
held = {}


def run(payload):
    return {"got": payload}


HANDLERS = {${JSON.stringify(type ?? exampleType)}: run}


def call(path, body):
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), HEADERS)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def register():
    return call("/api/workers/register", {
        "worker_id": NAME,
        "instance": INSTANCE,
        "capabilities": list(HANDLERS),
        "max_concurrent_tasks": SLOTS,${queues}
    })


def beat(seconds):
    while True:
        time.sleep(seconds)
        try:
            current = [{"task_id": i, "epoch": e} for i, e in list(held.items())]
            call("/api/workers/" + NAME + "/heartbeat", {"current_tasks": current})
        except OSError:
            pass  # The next beat tries again.


def work(task):
    result = {"task_id": task["task_id"], "epoch": task["epoch"]}
    try:
        value = HANDLERS[task["task_type"]](task["payload"])
        result.update(outcome="completed", result=value)
    except Exception as error:
        result.update(outcome="failed", error={"code": type(error).__name__, "message": str(error)})
    while True:
        try:
            call("/api/workers/" + NAME + "/settle", {"results": [result]})
            break
        except urllib.error.HTTPError:
            break  # A refusal stays one.
        except OSError:
            time.sleep(1)
    held.pop(task["task_id"], None)


terms = register()
threading.Thread(target=beat, args=(terms["heartbeat_interval"],), daemon=True).start()
print("ready", flush=True)
while True:
    free = SLOTS - len(held)
    if free == 0:
        time.sleep(0.05)
        continue
    try:
        tasks = call("/api/workers/" + NAME + "/claim", {"limit": free, "wait": 30})["tasks"]
    except urllib.error.HTTPError as error:
        if error.code == 409:
            break  # It was asked to stop.
        time.sleep(1)
        if error.code == 404:
            register()
        continue
    except OSError:
        time.sleep(1)
        continue
    for task in tasks:
        held[task["task_id"]] = task["epoch"]
        threading.Thread(target=work, args=(task,)).start()`
}

function curlOf({ url, type, queue, needsToken }: WorkerWish): string {
  const token = needsToken ? ' -H "authorization: Bearer $TASKLANE_TOKEN"' : ''
  const terms = {
    capabilities: [type ?? exampleType],
    max_concurrent_tasks: 1,
    ...(queue === null ? {} : { queues: [queue] }),
  }
  return `url=${quoteForShell(url)}
name=shell-$$
terms=${quoteForShell(JSON.stringify(terms))}
post() { curl -sS -X POST "$url/api/workers/$1"${token} -H 'content-type: application/json' -d "$2"; }
register() { post register "$(jq -n --arg name "$name" --argjson terms "$terms" '$terms + {worker_id: $name}')"; }

register > /dev/null && echo ready
while true; do
  reply=$(post "$name/claim" '{"limit": 1, "wait": 30}') || { sleep 1; continue; }
  case $(jq -r '.code // ""' <<< "$reply") in
    worker_draining) break ;;
    worker_unknown) register > /dev/null; continue ;;
    ?*) sleep 1; continue ;;
  esac
  task=$(jq -c '.tasks[0] // empty' <<< "$reply")
  [ -n "$task" ] || continue
  # The lease is extended every few seconds for as long as the work takes.
  while sleep 4; do post "$name/heartbeat" '{}' > /dev/null; done & beat=$!
  result=$(jq -c '{got: .payload}' <<< "$task")  # The work itself.
  kill "$beat"; wait "$beat" 2> /dev/null
  post "$name/settle" "$(jq -c --argjson result "$result" \\
    '{results: [{task_id, epoch, outcome: "completed", result: $result}]}' <<< "$task")" > /dev/null
done`
}
