import { describe, expect, it, vi } from 'vitest'

vi.stubGlobal('document', { baseURI: 'http://host.test/below/ui/#/tasks' })
const { bodyOf, codeOf, emptyDraft, quoteForShell } = await import('./drafts.ts')

describe('a draft', () => {
  it('leaves out what was left empty', () => {
    expect(bodyOf({ ...emptyDraft, type: 'add' })).toEqual({ task_type: 'add' })
  })

  it('reads labels, dependencies and numbers from their texts', () => {
    const draft = {
      ...emptyDraft,
      type: 'add',
      labels: 'a:1, b , c:x:y',
      dependencies: 'one, two\nthree',
      delay: '1.5',
    }
    expect(bodyOf(draft)).toEqual({
      task_type: 'add',
      delay: 1.5,
      dependencies: ['one', 'two', 'three'],
      labels: { a: '1', b: '', c: 'x:y' },
    })
  })

  it('is told to a shell so that no quote in it ends the text', () => {
    expect(quoteForShell(`it's $(rm)`)).toBe(`'it'\\''s $(rm)'`)
    expect(codeOf({ task_type: 'add', payload: { x: "'" } }, 'curl')).toContain(`'\\''`)
  })

  it('names the scheduler below the path it stands at', () => {
    expect(codeOf({ task_type: 'add' }, 'curl')).toContain('http://host.test/below/api/tasks')
  })
})
