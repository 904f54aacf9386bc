import { describe, expect, it } from 'vitest'
import type {
  AttemptLine,
  AttemptSeen,
  ClientLine,
  Evidence,
  Kind,
  SubmittedTask,
  TaskSeen,
  VerdictSeen,
  WorkerLine,
} from './model.ts'
import { judge } from './oracle.ts'

/** What a run leaves in which a task and its child went well: the sound evidence that each case below spoils in one place. */
function sound(): Parts {
  return {
    workerLines: [
      line('start', { task: 'parent', mono: 110 }),
      line('end', { task: 'parent', mono: 120 }),
      line('start', { task: 'child', mono: 130, parents: { parent: ['completed', 1] } }),
      line('end', { task: 'child', mono: 140 }),
    ],
    clientLines: [
      invoke(1, [submitted('parent'), submitted('child', { kind: 'child', parents: ['parent'] })]),
      ok(1, ['parent', 'child']),
    ],
    verdicts: [verdict({ task: 'parent', mono: 121 }), verdict({ task: 'child', mono: 141 })],
    tasks: [seen('parent'), seen('child', { kind: 'child', parents: ['parent'] })],
    disturbances: [],
    fullDisks: [],
    lingerMs: 100,
    nodes: 1,
  }
}

type Parts = { -readonly [Key in keyof Evidence]: Evidence[Key] }

function line(event: AttemptLine['event'], facts: Partial<AttemptLine> & { mono: number }): WorkerLine {
  return { event, at: facts.mono, task: 'parent', attempt: 1, epoch: 1, worker: 'w1', pid: 1, ...facts }
}

function submitted(id: string, facts: Partial<SubmittedTask> = {}): SubmittedTask {
  return { id, key: null, kind: 'work', parents: [], maxRetries: 1, ...facts }
}

function invoke(call: number, tasks: readonly SubmittedTask[], at = 100): ClientLine {
  return { event: 'invoke', client: 'c1', call, tasks, at, mono: at }
}

function ok(call: number, ids: readonly string[], at = 105): ClientLine {
  return { event: 'ok', client: 'c1', call, status: 201, ids, at, mono: at }
}

function refused(call: number, status: number): ClientLine {
  return { event: 'fail', client: 'c1', call, status, detail: 'not now', at: 105, mono: 105 }
}

function verdict(facts: Partial<VerdictSeen> & { task: string; mono: number }): VerdictSeen {
  return { at: facts.mono, worker: 'w1', epoch: 1, outcome: 'completed', verdict: 'applied', ...facts }
}

function attempt(outcome: string, epoch = 1, facts: Partial<AttemptSeen> = {}): AttemptSeen {
  return { attempt: epoch, epoch, worker: 'w1', startedAt: 100 + epoch, endedAt: 120 + epoch, outcome, ...facts }
}

function seen(id: string, facts: Partial<TaskSeen> = {}): TaskSeen {
  return {
    ...{ id, key: null, kind: 'work' as Kind, status: 'completed', maxRetries: 1, parents: [] },
    ...{ resultEpoch: 1, isLate: false, errorCode: null, attempts: [attempt('completed')] },
    ...facts,
  }
}

function brokenBy(spoil: (evidence: Parts) => void): readonly string[] {
  const evidence = sound()
  spoil(evidence)
  return [...new Set(judge(evidence).violations.map(violation => violation.promise))]
}

/** The run's only task, of a kind with a special end. */
function alone(task: TaskSeen, workerLines: readonly WorkerLine[]): (evidence: Parts) => void {
  return evidence => {
    evidence.tasks = [task]
    evidence.workerLines = workerLines
    evidence.verdicts = []
    evidence.clientLines = [invoke(1, [submitted(task.id, { kind: task.kind })]), ok(1, [task.id])]
  }
}

function failedTask(id: string, kind: Kind, attempts: readonly AttemptSeen[], errorCode = 'poisoned'): TaskSeen {
  return seen(id, { kind, status: 'failed', resultEpoch: null, errorCode, attempts })
}

const threeCrashes = [1, 2, 3].map(epoch => attempt('crashed', epoch))
const threeStarts = [1, 2, 3].map(epoch => line('start', { task: 'x', epoch, attempt: epoch, mono: 100 + epoch }))

describe('the oracle', () => {
  it('finds nothing where all went well, and counts', () => {
    expect(judge(sound())).toEqual({
      violations: [],
      figures: { submitted: 2, finished: 2, executed_twice: 0, accepted_twice: 0, lost: 0, unknown_replies: 0 },
    })
  })

  it('allows what may happen: a second execution, a reply that never came, a repeat that is applied again', () => {
    const evidence = sound()
    evidence.workerLines = [
      ...evidence.workerLines,
      line('start', { task: 'child', epoch: 2, attempt: 2, mono: 150, parents: { parent: ['completed', 1] } }),
      line('end', { task: 'child', epoch: 2, mono: 160 }),
    ]
    evidence.tasks = [
      seen('parent'),
      seen('child', { resultEpoch: 2, attempts: [attempt('crashed', 1), attempt('completed', 2)] }),
    ]
    evidence.verdicts = [
      verdict({ task: 'child', epoch: 2, mono: 161 }),
      verdict({ task: 'child', epoch: 2, mono: 162 }),
      verdict({ task: 'child', epoch: 1, verdict: 'stale', mono: 170 }),
    ]
    evidence.clientLines = [...evidence.clientLines, invoke(2, [submitted('elsewhere')])]
    evidence.disturbances = [{ worker: 'w1', fromMs: 100, toMs: 110, what: 'worker_kill' }]
    const { figures, violations } = judge(evidence)
    expect(violations).toEqual([])
    expect(figures).toMatchObject({ executed_twice: 1, unknown_replies: 1, submitted: 2, finished: 2 })
  })

  it('counts an ordinary retry not as a second execution', () => {
    const evidence = sound()
    evidence.workerLines = [
      line('start', { task: 'x', mono: 100 }),
      line('thrown', { task: 'x', why: 'Error', mono: 101 }),
      line('start', { task: 'x', attempt: 2, epoch: 2, mono: 102 }),
      line('end', { task: 'x', attempt: 2, epoch: 2, mono: 103 }),
    ]
    evidence.tasks = [seen('x', { resultEpoch: 2, attempts: [attempt('failed', 1), attempt('completed', 2)] })]
    evidence.clientLines = [invoke(1, [submitted('x')]), ok(1, ['x'])]
    evidence.verdicts = []
    expect(judge(evidence)).toMatchObject({ violations: [], figures: { executed_twice: 0 } })
  })
})

describe('what the oracle finds', () => {
  it('an accepted task that is not there', () => {
    const evidence = sound()
    evidence.clientLines = [...evidence.clientLines, invoke(2, [submitted('gone')]), ok(2, ['gone'])]
    const { figures, violations } = judge(evidence)
    expect(violations).toEqual([
      { promise: 'nothing is lost', task: 'gone', sentence: 'Task gone was accepted and is not there.' },
    ])
    expect(figures).toMatchObject({ submitted: 3, finished: 2, lost: 1 })
  })

  const cases: readonly (readonly [what: string, promise: string, spoil: (evidence: Parts) => void])[] = [
    [
      'an accepted task that never ended',
      'nothing is lost',
      evidence => {
        evidence.tasks = [seen('parent'), seen('child', { status: 'pending', resultEpoch: null, attempts: [] })]
        evidence.workerLines = evidence.workerLines.slice(0, 2)
        evidence.verdicts = evidence.verdicts.slice(0, 1)
      },
    ],
    [
      'a task of an unknown submit that never ended',
      'everything ends',
      evidence => {
        evidence.tasks = [...evidence.tasks, seen('open', { status: 'scheduled', resultEpoch: null, attempts: [] })]
      },
    ],
    [
      'a task whose every submit was refused',
      'refused is not there',
      evidence => {
        evidence.clientLines = [...evidence.clientLines, invoke(2, [submitted('ghost')]), refused(2, 503)]
        evidence.tasks = [...evidence.tasks, seen('ghost')]
        evidence.workerLines = [
          ...evidence.workerLines,
          line('start', { task: 'ghost', mono: 150 }),
          line('end', { task: 'ghost', mono: 151 }),
        ]
      },
    ],
    [
      'a repeated submit that is refused as wrong',
      'a repeat is not refused',
      evidence => {
        evidence.clientLines = [...evidence.clientLines, invoke(2, [submitted('parent')]), refused(2, 409)]
      },
    ],
    [
      'one key that became two tasks',
      'same key, same task',
      evidence => {
        const twins = [submitted('parent', { key: 'k' }), submitted('child', { key: 'k' })]
        evidence.clientLines = [invoke(1, twins), ok(1, ['parent', 'child'])]
      },
    ],
    [
      'a task that was accepted as completed in two epochs',
      'accepted once',
      evidence => {
        evidence.verdicts = [...evidence.verdicts, verdict({ task: 'child', epoch: 2, worker: 'w2', mono: 150 })]
      },
    ],
    [
      'a task with two completed attempts',
      'accepted once',
      evidence => {
        const attempts = [attempt('completed', 1), attempt('completed', 2)]
        evidence.tasks = [seen('parent'), seen('child', { attempts })]
      },
    ],
    [
      'an accepted completion that ended otherwise',
      'accepted once',
      evidence => {
        evidence.tasks = [seen('parent'), seen('child', { status: 'failed', resultEpoch: null, errorCode: 'poisoned' })]
      },
    ],
    [
      'a result of another epoch than the accepted one',
      'the accepted result is kept',
      evidence => {
        evidence.tasks = [seen('parent'), seen('child', { resultEpoch: 2 })]
      },
    ],
    [
      'a result that no worker made',
      'the accepted result is kept',
      evidence => {
        evidence.workerLines = evidence.workerLines.slice(0, 3)
      },
    ],
    [
      'an epoch that falls',
      'epochs rise',
      evidence => {
        const attempts = [attempt('released', 1), attempt('completed', 2, { attempt: 1 })]
        evidence.tasks = [seen('parent'), seen('child', { resultEpoch: 2, attempts })]
        const parents = { parent: ['completed', 1] as const }
        evidence.workerLines = [
          ...evidence.workerLines.slice(0, 2),
          line('start', { task: 'child', epoch: 2, mono: 130, parents }),
          line('start', { task: 'child', epoch: 1, mono: 131, parents }),
          line('end', { task: 'child', epoch: 2, mono: 140 }),
        ]
        evidence.verdicts = []
      },
    ],
    [
      'an epoch that was handed out twice',
      'epochs rise',
      evidence => {
        const again = line('start', { task: 'child', worker: 'w2', mono: 135, parents: { parent: ['completed', 1] } })
        evidence.workerLines = [...evidence.workerLines, again]
      },
    ],
    ['more starts than the budgets allow', 'budgets hold', alone(tooOften().task, tooOften().lines)],
    [
      'more failures than retries',
      'budgets hold',
      alone(
        failedTask('x', 'hopeless', [attempt('failed', 1), attempt('failed', 2), attempt('failed', 3)], 'Error'),
        threeStarts,
      ),
    ],
    [
      'a release that was charged',
      'releases are free',
      evidence => {
        const attempts = [attempt('released', 1), attempt('completed', 2)]
        evidence.tasks = [seen('parent'), seen('child', { resultEpoch: 2, attempts })]
        const parents = { parent: ['completed', 1] as const }
        evidence.workerLines = [
          ...evidence.workerLines.slice(0, 3),
          line('start', { task: 'child', epoch: 2, attempt: 2, mono: 150, parents }),
          line('end', { task: 'child', epoch: 2, mono: 160 }),
        ]
        evidence.verdicts = []
      },
    ],
    [
      'a child that started before its parent ended',
      'parents come first',
      evidence => {
        evidence.workerLines = evidence.workerLines.map(each =>
          each.event === 'start' && each.task === 'child' ? { ...each, mono: 115 } : each,
        )
      },
    ],
    [
      'a child that started although its parent failed',
      'parents come first',
      evidence => {
        evidence.tasks = [failedTask('parent', 'hopeless', [attempt('failed')], 'Error'), ...evidence.tasks.slice(1)]
        evidence.verdicts = []
      },
    ],
    [
      'a child that was handed another result than the one kept',
      'parents come first',
      evidence => {
        evidence.workerLines = evidence.workerLines.map(each =>
          each.event === 'start' && each.task === 'child' ? { ...each, parents: { parent: ['completed', 7] } } : each,
        )
      },
    ],
    [
      'an innocent task that failed',
      'each task ends as it must',
      alone(failedTask('x', 'work', [attempt('failed')], 'Error'), threeStarts.slice(0, 1)),
    ],
    [
      'a neighbour of a poison task that was taken for the poison',
      'each task ends as it must',
      evidence => {
        alone(failedTask('x', 'neighbour', threeCrashes), threeStarts)(evidence)
        evidence.disturbances = [{ worker: 'w1', fromMs: 0, toMs: 1_000, what: 'worker_kill' }]
      },
    ],
    [
      'a crash charged to a worker that no fault had met',
      'no crash without a fault',
      evidence => {
        alone(seen('x', { resultEpoch: 2, attempts: [attempt('crashed', 1), attempt('completed', 2)] }), [
          ...threeStarts.slice(0, 2),
          line('end', { task: 'x', epoch: 2, mono: 150 }),
        ])(evidence)
        evidence.disturbances = [{ worker: 'w2', fromMs: 0, toMs: 1_000, what: 'worker_kill' }]
      },
    ],
    [
      'a poison task that was stopped too late',
      'poison is stopped',
      alone(failedTask('x', 'poison', [...threeCrashes, attempt('crashed', 4)]), [
        ...threeStarts,
        line('start', { task: 'x', epoch: 4, attempt: 4, mono: 140 }),
      ]),
    ],
    [
      'a poison task that was stopped too early',
      'poison is stopped',
      alone(failedTask('x', 'poison', threeCrashes.slice(0, 2)), threeStarts.slice(0, 2)),
    ],
    [
      'a task taken from a worker that only computed',
      'a blocked worker keeps its task',
      alone(
        seen('x', { kind: 'blocking', resultEpoch: 2, attempts: [attempt('crashed', 1), attempt('completed', 2)] }),
        [...threeStarts.slice(0, 2), line('end', { task: 'x', epoch: 2, mono: 150 })],
      ),
    ],
    [
      'a result that came after its time limit',
      'late is too late',
      evidence => {
        evidence.tasks = [seen('parent'), seen('child', { isLate: true })]
      },
    ],
    [
      'a submit accepted while the disk was full',
      'full disk',
      evidence => {
        evidence.fullDisks = [{ fromMs: 90, toMs: 110 }]
      },
    ],
  ]

  it.each(cases)('%s', (_what, promise, spoil) => {
    expect(brokenBy(spoil)).toContain(promise)
  })

  it('allows a repeat to be answered while the disk is full', () => {
    const evidence = sound()
    const repeat = { ...ok(2, ['parent'], 160), status: 200 } as const
    evidence.clientLines = [...evidence.clientLines, invoke(2, [submitted('parent')], 155), repeat]
    evidence.fullDisks = [{ fromMs: 150, toMs: 170 }]
    expect(judge(evidence).violations).toEqual([])
  })

  describe('of one node and of several', () => {
    const taken = alone(
      seen('x', { kind: 'blocking', resultEpoch: 2, attempts: [attempt('crashed', 1), attempt('completed', 2)] }),
      [...threeStarts.slice(0, 2), line('end', { task: 'x', epoch: 2, mono: 150 })],
    )
    const unheard = alone(failedTask('x', 'poison', threeCrashes), threeStarts.slice(0, 2))
    const disturbed = { worker: null, fromMs: 90, toMs: 110, what: 'database_stall' }

    it.each([
      [
        'one keeps the task of a worker that it could not hear',
        1,
        taken,
        [disturbed],
        ['a blocked worker keeps its task'],
      ],
      ['of several, one may take it for the other', 3, taken, [disturbed], []],
      ['of several, none may take it without a fault', 3, taken, [], ['a blocked worker keeps its task']],
      ['one hands poison out three times', 1, unheard, [], ['poison is stopped']],
      ['of several, one may hand it out unheard', 3, unheard, [], []],
    ])('%s', (_what, nodes, spoil, disturbances, promises) => {
      const broken = brokenBy(evidence => {
        spoil(evidence)
        Object.assign(evidence, { nodes, disturbances })
      })
      expect(broken).toEqual(promises)
    })
  })

  it('does not take a stopped worker’s late start for a fallen epoch', () => {
    const evidence = sound()
    const parents = { parent: ['completed', 1] as const }
    evidence.tasks = [
      seen('parent'),
      seen('child', {
        resultEpoch: 2,
        attempts: [attempt('crashed', 1, { worker: 'slow' }), attempt('completed', 2)],
      }),
    ]
    evidence.workerLines = [
      ...evidence.workerLines.slice(0, 2),
      line('start', { task: 'child', epoch: 2, attempt: 2, mono: 130, parents }),
      line('end', { task: 'child', epoch: 2, mono: 140 }),
      line('start', { task: 'child', epoch: 1, worker: 'slow', mono: 150, parents }),
    ]
    evidence.verdicts = []
    evidence.disturbances = [{ worker: 'slow', fromMs: 100, toMs: 149, what: 'worker_stop' }]
    expect(judge(evidence).violations).toEqual([])
  })
})

/** One retry, three crashes: five starts are the most. */
function tooOften(): { readonly task: TaskSeen; readonly lines: readonly WorkerLine[] } {
  const epochs = [1, 2, 3, 4, 5, 6]
  return {
    task: seen('x', {
      resultEpoch: 6,
      attempts: epochs.map(epoch => attempt(epoch === 6 ? 'completed' : 'failed', epoch)),
    }),
    lines: epochs.map(epoch => line('start', { task: 'x', epoch, attempt: epoch, mono: 100 + epoch })),
  }
}
