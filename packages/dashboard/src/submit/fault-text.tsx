export function FaultText({ id, fault }: { readonly id: string; readonly fault: string | undefined }) {
  return fault === undefined ? null : (
    <small id={`${id}-fault`} className="fault-text">
      {fault}
    </small>
  )
}
