import { defineTask } from '@tasklane/sdk'
import { objectSchema, stringField } from './schema.ts'

/** `{text}` → the text in capitals, by Unicode's full mapping, without regard to language: 'straße' → 'STRASSE'. */
export const upperCase = defineTask({
  type: 'upper_case',
  input: objectSchema({ text: stringField({ description: 'Any text' }) }),
  run: ({ text }) => text.toUpperCase(),
})
