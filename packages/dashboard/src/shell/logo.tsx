export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M8 10h16" />
      <path d="M8 16h10" opacity=".8" />
      <path d="M8 22h13" opacity=".6" />
    </svg>
  )
}
