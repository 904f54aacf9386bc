import { DatabaseSync } from '@photostructure/sqlite'

/** What SQLite itself finds wrong with the file; nothing where it is whole. */
export function checkFile(file: string): readonly string[] {
  const database = new DatabaseSync(file)
  try {
    const rows = database.prepare('PRAGMA integrity_check').all()
    const texts = rows.map(row => String(Object.values(Object(row))[0]))
    return texts.length === 1 && texts[0] === 'ok' ? [] : texts
  } finally {
    database.close()
  }
}
