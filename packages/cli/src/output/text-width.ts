/** Escape sequences of colours take no room on a terminal. */
const escapePattern = /\u001b\[[0-9;]*m/g
/** East Asian wide characters and most emoji take two columns. */
const widePattern =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u
const unseenPattern = /\p{M}|[\u200b-\u200d]/u

/** Columns a text takes on a terminal, near enough for tables. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text.replace(escapePattern, '')) {
    if (unseenPattern.test(character)) continue
    width += widePattern.test(character) ? 2 : 1
  }
  return width
}

/** Fills with spaces to the width. */
export function padText(text: string, width: number, side: 'left' | 'right'): string {
  const room = ' '.repeat(Math.max(0, width - textWidth(text)))
  return side === 'left' ? text + room : room + text
}

/** Cuts a plain text to the width, with an ellipsis where something is missing. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let cut = ''
  let room = width - 1
  for (const character of text) {
    room -= textWidth(character)
    if (room < 0) break
    cut += character
  }
  return width <= 0 ? '' : `${cut}…`
}

/**
 * A text from elsewhere made safe for a terminal: control characters, which could move the cursor, change the title or
 * answer for the user, become visible; so do line breaks, unless they are kept.
 */
export function visibleText(text: string, options: { readonly keepLines?: boolean } = {}): string {
  const pattern =
    options.keepLines === true ? /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g : /[\u0000-\u001f\u007f-\u009f]/g
  return text.replace(pattern, character => {
    const code = character.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\u2421'
  })
}
