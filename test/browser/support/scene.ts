import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { call, createStage, type Running, type Stage } from '../../support/processes.ts'
import { findBrowser, type Sight, startBrowser } from './browser.ts'

const chromium = await findBrowser()

/** `describe`, where there is a browser. */
export const describeInBrowser = describe.skipIf(chromium === null)

/** A scheduler and a Chromium for one file of tests. */
export interface Scene {
  readonly stage: Stage
  readonly sight: Sight
  /** Of the scheduler, as its process. */
  readonly running: Running
  readonly url: string
  /** A page of the scheduler, in a profile of its own. */
  open(path?: string, options?: BrowserContextOptions): Promise<Page>
  /** As many tasks as a test wants, in as few calls as the scheduler takes. */
  submit(tasks: readonly object[]): Promise<void>
}

const tasksPerCall = 1_000

/** Sets the scene before the tests, holds each of them to pages without a complaint, and clears it away. */
export function setScene(env: Record<string, string> = {}): Scene {
  let made: Pick<Scene, 'stage' | 'sight' | 'running' | 'url'> | null = null
  const scene = () => {
    if (made === null) throw new Error('The scene is there once the tests begin.')
    return made
  }
  beforeAll(async () => {
    const stage = createStage()
    const [{ url, running }, sight] = await Promise.all([stage.scheduler({ env }), startBrowser(chromium ?? '')])
    made = { stage, sight, running, url }
  })
  afterEach(async () => {
    await scene().sight.closeContexts()
    expect(scene().sight.complaints()).toEqual([])
  })
  afterAll(async () => {
    await scene().sight.close()
    await scene().stage.close()
  })
  return {
    get stage() {
      return scene().stage
    },
    get sight() {
      return scene().sight
    },
    get running() {
      return scene().running
    },
    get url() {
      return scene().url
    },
    open: (path, options) => scene().sight.open(scene().url, path, options),
    submit: async tasks => {
      for (let at = 0; at < tasks.length; at += tasksPerCall) {
        const body = { tasks: tasks.slice(at, at + tasksPerCall) }
        const { status } = await call(scene().url, 'POST', '/api/tasks/batch', body)
        expect(status).toBe(201)
      }
    },
  }
}
