import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Task } from '@tasklane/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type WorkerLanguage,
  workerCode,
  workerLanguages,
} from '../../packages/dashboard/src/pages/workers/worker-code.ts'
import { codeOf, type Language, languages } from '../../packages/dashboard/src/submit/code.ts'
import { call, command, createStage, type Running, root, type Stage, until } from '../support/processes.ts'
import { programOnPath } from '../support/servers/find-or-install.ts'

// What the pages offer to copy is pasted here: into a shell, into a file of TypeScript, into one of Python.
const programs = { curl: 'curl', Python: 'python3', jq: 'jq' }
const isThere = (name: string) => programOnPath(name) !== null

const tricky = {
  quotes: `it's "so" $(touch x) \`y\` \\n`,
  lines: 'one\ntwo\ttabs',
  unicode: 'ß → 😀',
  numbers: [0, -1.5, 1e21],
  words: [true, false, null],
  nested: { empty: {}, list: [] },
}

describe('the snippets of the pages', () => {
  let stage: Stage
  let url: string
  let folder: string

  beforeAll(async () => {
    stage = createStage()
    url = (await stage.scheduler()).url
    stage.worker(url, ['--worker-id', 'built-in', '--capabilities', 'noop', '--queues', 'default,other'])
    folder = stage.folder()
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
    writeFileSync(join(folder, 'tasklane'), `#!/bin/sh\nexec ${process.execPath} ${command} "$@"\n`)
    chmodSync(join(folder, 'tasklane'), 0o755)
    writeFileSync(
      join(folder, 'tasks.ts'),
      `import { defineTask } from '@tasklane/sdk'\nexport const own = defineTask({ type: 'own.CLI', run: payload => ({ got: payload }) })\n`,
    )
    await call(url, 'POST', '/api/tasks', { task_id: 'parent', task_type: 'noop' })
  })
  afterAll(() => stage.close())

  function shell(text: string): Running {
    return stage.run('bash', ['-c', text], { cwd: folder, env: { PATH: `${folder}:${process.env.PATH}` } })
  }

  function run(language: Language | WorkerLanguage, name: string, text: string): Running {
    if (language === 'TypeScript') {
      writeFileSync(join(folder, `${name}.ts`), text)
      return stage.run(process.execPath, ['--import', 'tsx', `${name}.ts`], { cwd: folder })
    }
    if (language === 'Python') {
      writeFileSync(join(folder, `${name}.py`), text)
      return stage.run('python3', [`${name}.py`], { cwd: folder })
    }
    return shell(text)
  }

  async function taskOf(label: string): Promise<Task | undefined> {
    const { body } = await call<{ tasks: Task[] }>(url, 'GET', `/api/tasks?label=via:${label}`)
    return body.tasks[0]
  }

  it.concurrent.each(
    languages.filter(language => language === 'TypeScript' || language === 'CLI' || isThere(programs[language])),
  )('submit by %s exactly what the form said', async language => {
    const labels = { via: language, "it's": 'a, b "c"' }
    const options = {
      queue: 'other',
      priority: 7,
      name: '--a name',
      max_retries: 2,
      timeout: null,
      delay: 0.01,
      dependencies: ['parent'],
      on_dependency_failure: 'proceed',
      idempotency_key: `key of ${language}`,
      labels,
    }
    const body = { task_type: 'noop', payload: tricky, ...options }
    const running = run(language, 'submit', codeOf(body, language, { url, needsToken: false }))
    const { code } = await running.exited
    expect(running.stderr()).toBe('')
    expect(code).toBe(0)
    const task = await taskOf(language)
    expect(task).toMatchObject({
      payload: tricky,
      queue: 'other',
      priority: 7,
      name: '--a name',
      max_retries: 2,
      timeout: null,
      dependencies: ['parent'],
      idempotency_key: `key of ${language}`,
      labels,
    })
    // curl does not wait; the others have printed the result of a task that ended.
    if (language !== 'curl') expect(task?.status).toBe('completed')
  })

  it.concurrent.each(
    languages.filter(language => language === 'TypeScript' || language === 'CLI' || isThere(programs[language])),
  )('submit by %s a payload that begins with a dash', async language => {
    const label = `${language} dash`
    const body = { task_type: 'noop', payload: -5, labels: { via: label } }
    const running = run(language, 'dash', codeOf(body, language, { url, needsToken: false }))
    await running.exited
    expect(running.stderr()).toBe('')
    expect((await taskOf(encodeURIComponent(label)))?.payload).toBe(-5)
  })

  it('read a token from the environment where one is needed', () => {
    const place = { url, needsToken: true }
    for (const language of ['curl', 'Python'] as const)
      expect(codeOf({ task_type: 'noop' }, language, place)).toContain('TASKLANE_TOKEN')
  })

  it.concurrent.each(
    workerLanguages.filter(
      language => language === 'TypeScript' || language === 'CLI' || (isThere(programs[language]) && isThere('jq')),
    ),
  )('start a worker by %s that runs a task', async language => {
    const type = `own.${language}`
    const text = workerCode({ url, type, queue: 'of-its-own', slots: 2, needsToken: false }, language)
    const running = run(language, 'worker', text)
    await call(url, 'POST', '/api/tasks', { task_id: type, task_type: type, queue: 'of-its-own', payload: tricky })
    const task = await until(
      async () => (await call<Task>(url, 'GET', `/api/tasks/${type}`)).body,
      ({ status }) => status === 'completed',
      () => `the worker to run it; it said: ${running.stderr()}`,
    )
    expect(task.result).toEqual({ got: tricky })
    running.killGroup()
  })
})
