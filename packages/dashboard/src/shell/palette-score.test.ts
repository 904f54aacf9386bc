import { expect, it } from 'vitest'
import { paletteScore } from './palette-score.ts'

it('takes words as they stand, and puts what is named by them before what merely has them', () => {
  const ranked = (search: string, ...values: readonly string[]) =>
    values
      .filter(value => paletteScore(value, search) > 0)
      .toSorted((one, other) => paletteScore(other, search) - paletteScore(one, search))
  const alert = "alert 12 One cause Type 'mail.send' failed once: mailbox is not there, try another"
  expect(ranked('month', 'task month-open Open the books stock.sync month', alert)).toEqual([
    'task month-open Open the books stock.sync month',
  ])
  expect(ranked('mail', 'task 7 Receipt mail.send mail', alert, 'queue mail')).toEqual([
    'queue mail',
    'task 7 Receipt mail.send mail',
    alert,
  ])
  expect(ranked('Queues', 'queue q1', 'go to queues')).toEqual(['go to queues'])
  expect(ranked('mail', 'queue mail', 'task mail Mine mail.send mail')[0]).toMatch(/^task mail/)
  expect(ranked('rules alerts', 'go to rules of alerts', 'go to alerts')).toEqual(['go to rules of alerts'])
})
