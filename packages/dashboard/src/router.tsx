import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
} from '@tanstack/react-router'
import { Compass } from 'lucide-react'
import { readAdminSearch } from './pages/admin/search.ts'
import { readAlertsSearch } from './pages/alerts/search.ts'
import { Overview } from './pages/overview.tsx'
import { rememberPlace } from './pages/task/came-from.ts'
import { readSearch } from './pages/task-filter.ts'
import { Notice, Skeleton } from './parts/basic.tsx'
import { PageError } from './shell/page-error.tsx'
import { Shell } from './shell/shell.tsx'

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Notice icon={Compass} title="There is no such page">
      <p>The address leads nowhere. The navigation leads everywhere.</p>
      <Link to="/" className="button button-plain">
        To the overview
      </Link>
    </Notice>
  ),
  errorComponent: PageError,
})

const overview = createRoute({ getParentRoute: () => root, path: '/', component: Overview })
const tasks = createRoute({
  getParentRoute: () => root,
  path: '/tasks',
  validateSearch: readSearch,
  component: lazyRouteComponent(() => import('./pages/tasks.tsx'), 'Tasks'),
})
const task = createRoute({
  getParentRoute: () => root,
  path: '/tasks/$id',
  component: lazyRouteComponent(() => import('./pages/task.tsx'), 'TaskPage'),
})
const graph = createRoute({
  getParentRoute: () => root,
  path: '/tasks/$id/graph',
  component: lazyRouteComponent(() => import('./graph/graph-page.tsx'), 'GraphPage'),
})
const queues = createRoute({
  getParentRoute: () => root,
  path: '/queues',
  component: lazyRouteComponent(() => import('./pages/queues.tsx'), 'Queues'),
})
const workers = createRoute({
  getParentRoute: () => root,
  path: '/workers',
  component: lazyRouteComponent(() => import('./pages/workers.tsx'), 'Workers'),
})
const queue = createRoute({
  getParentRoute: () => root,
  path: '/queues/$name',
  component: lazyRouteComponent(() => import('./pages/queue.tsx'), 'QueuePage'),
})
const worker = createRoute({
  getParentRoute: () => root,
  path: '/workers/$id',
  component: lazyRouteComponent(() => import('./pages/worker.tsx'), 'WorkerPage'),
})
const failures = createRoute({
  getParentRoute: () => root,
  path: '/failures',
  component: lazyRouteComponent(() => import('./pages/failures.tsx'), 'Failures'),
})
const alerts = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  validateSearch: readAlertsSearch,
  component: lazyRouteComponent(() => import('./pages/alerts/alerts.tsx'), 'Alerts'),
})
const admin = createRoute({
  getParentRoute: () => root,
  path: '/admin',
  validateSearch: readAdminSearch,
  component: lazyRouteComponent(() => import('./pages/admin/admin.tsx'), 'Admin'),
})

/** The page stands behind the # of the address: no server has to know it, and any path may stand before it. */
export const router = createRouter({
  routeTree: root.addChildren([overview, tasks, task, graph, queues, queue, workers, worker, failures, alerts, admin]),
  history: createHashHistory(),
  defaultPreload: 'intent',
  defaultErrorComponent: PageError,
  defaultPendingComponent: () => <Skeleton rows={8} />,
  scrollRestoration: true,
})

// A task leads to its neighbours in the list that was open before it.
router.subscribe('onBeforeNavigate', ({ fromLocation }) => {
  if (fromLocation !== undefined) rememberPlace(fromLocation.pathname, fromLocation.search)
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
