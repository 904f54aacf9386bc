import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ApiError, whenSignedOut } from './api/http.ts'
import { liveOf } from './live/live.ts'
import { router } from './router.tsx'
import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/controls.css'
import './styles/parts.css'
import './styles/dialogs.css'
import './styles/overview-page.css'
import './styles/lists.css'
import './styles/pages.css'
import './styles/people.css'

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // A scheduler on this machine, or in a network of one's own, is there without the internet.
      networkMode: 'always',
      // What the scheduler refused it will refuse again; what it could not answer it may answer soon.
      retry: (count, error) => count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
      retryDelay: count => Math.min(5_000, 400 * 2 ** count),
    },
  },
})
client.getQueryCache().subscribe(event => {
  // A session that ended shows the login in place of whatever page it was.
  if (event.type !== 'updated' || event.action.type !== 'error') return
  const { error } = event.action
  if (error instanceof ApiError && error.status === 401 && event.query.queryKey[0] !== 'me')
    void client.invalidateQueries({ queryKey: ['me'] })
})
whenSignedOut(() => void client.invalidateQueries({ queryKey: ['me'] }))
liveOf(client)

const place = document.getElementById('root')
if (place === null) throw new Error('Assertion failed: the page has a place for its contents')
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
)
