/** Completes a name, or the last one of several with commas between them; for the `list` of a field. */
export function Known(props: { readonly id: string; readonly typed: string; readonly names: readonly string[] }) {
  const before = props.typed.slice(0, props.typed.lastIndexOf(',') + 1)
  return (
    <datalist id={props.id}>
      {props.names.slice(0, 200).map(name => (
        <option key={name} value={before + name} />
      ))}
    </datalist>
  )
}
