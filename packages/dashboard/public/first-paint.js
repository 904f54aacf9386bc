// The theme stands before the first paint, or a dark page would flash white. A file, since the policy allows no inline script.
;(() => {
  let chosen = null
  try {
    chosen = JSON.parse(localStorage.getItem('tasklane.preferences') ?? '{}').theme
  } catch {
    // Storage may be closed or hold something else; then the system's theme is right.
  }
  const isDark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
})()
