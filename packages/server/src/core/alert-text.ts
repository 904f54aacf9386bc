import type { AlertFacts, AlertRecord } from './alert.ts'
import type { Tellings } from './alert-telling.ts'
import type { JsonText } from './task.ts'

/** What stores keep of alerts as one text: nobody looks for anything in it. */
export function writeFacts({ ruleName, kind, subject }: AlertFacts): JsonText {
  return JSON.stringify({ ruleName, kind, subject }) as JsonText // An object is always a text.
}

export function readFacts(text: string): Omit<AlertFacts, 'ruleId'> {
  return JSON.parse(text) as Omit<AlertFacts, 'ruleId'> // Written by `writeFacts`.
}

export function writeTold(told: AlertRecord['told']): JsonText {
  return JSON.stringify(told) as JsonText // A list is always a text.
}

export function readTold(text: string): AlertRecord['told'] {
  return JSON.parse(text) as readonly string[] // Written by `writeTold`.
}

export function writeTellings(tellings: Tellings): JsonText {
  return JSON.stringify(tellings) as JsonText // An object is always a text.
}

/** @param text null where an earlier version wrote the alert */
export function readTellings(text: string | null): Tellings {
  return text === null ? {} : (JSON.parse(text) as Tellings) // Written by `writeTellings`.
}

export function writeSettings(settings: object): JsonText {
  return JSON.stringify(settings) as JsonText // An object is always a text.
}

/** @typeParam Settings of what `writeSettings` wrote there */
export function readSettings<Settings>(text: string): Settings {
  return JSON.parse(text) as Settings
}
