/**
 * Text in lines, broken for another width. Lines that follow each other are one paragraph; what is indented, or has columns
 * (two spaces within), stays as it is, and a line that ends with a colon ends its paragraph.
 */
export function wrapParagraphs(text: string, width: number): string {
  const wrapped: string[] = []
  let paragraph: string[] = []
  const close = (): void => {
    if (paragraph.length > 0) wrapped.push(...wrapWords(paragraph.join(' '), width))
    paragraph = []
  }
  for (const line of text.split('\n')) {
    if (line === '' || /^\s|\S {2}/.test(line)) {
      close()
      wrapped.push(line)
    } else {
      paragraph.push(line)
      if (line.endsWith(':')) close()
    }
  }
  close()
  return wrapped.join('\n')
}

function wrapWords(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
