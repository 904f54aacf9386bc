/** The place of a name below another, as a program would write it: `a.b[0]["c d"]`. */
export function pathTo(path: string, name: string, isList: boolean): string {
  if (isList) return `${path}[${name}]`
  if (/^[A-Za-z_$][\w$]*$/.test(name)) return path === '' ? name : `${path}.${name}`
  return `${path}[${JSON.stringify(name)}]`
}
