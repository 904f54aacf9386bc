/**
 * How well an entry of the palette fits what is typed; 0 keeps it out. Each word is to be found as it stands: of letters
 * that are merely in the right order somewhere, half of all alerts have enough. A task that is named by its id comes first,
 * then what is reached by a name, and then tasks and alerts that have the text somewhere.
 */
export function paletteScore(value: string, search: string): number {
  const text = value.toLowerCase()
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter(word => word !== '')
  if (!words.every(word => text.includes(word))) return 0
  const [kind, id] = text.split(' ')
  if (kind === 'task') return id === words[0] ? 1 : 0.4
  if (kind === 'alert') return 0.3
  return words.every(word => ` ${text}`.includes(` ${word}`)) ? 0.8 : 0.2
}
