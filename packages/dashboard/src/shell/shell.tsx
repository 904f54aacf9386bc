import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouter, useRouterState } from '@tanstack/react-router'
import type { Me } from '@tasklane/protocol'
import {
  Activity,
  Bell,
  Cpu,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  Menu,
  PanelLeft,
  Plus,
  Rows3,
  Search,
  ShieldCheck,
  TriangleAlert,
  UserRound,
} from 'lucide-react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { ApiError, isUnreachable } from '../api/http.ts'
import { meQuery, siteQuery } from '../api/queries.ts'
import { liveOf } from '../live/live.ts'
import { Button, Failure } from '../parts/basic.tsx'
import { emptyDraft, submitDrawer } from '../submit/drafts.ts'
import { EnvironmentBadge, useEnvironment } from './environment.tsx'
import { FiringCount, FiringDot } from './firing.tsx'
import { useKeys } from './keys.ts'
import { isPutOff } from './later.ts'
import { LivePill } from './live-pill.tsx'
import { Login, LoginAgain } from './login.tsx'
import { Logo } from './logo.tsx'
import { mayOf } from './me.ts'
import { isDark, setPreferences, usePreferences } from './preferences.ts'
import { Toasts } from './toasts.tsx'
import type { UserMenuProps } from './user-menu.tsx'

const loadPalette = () => import('./palette.tsx')
const loadDrawer = () => import('../submit/drawer.tsx')
const loadShortcuts = () => import('./shortcuts.tsx')
const loadMenu = () => import('./user-menu.tsx')
const Palette = lazy(() => loadPalette().then(({ Palette }) => ({ default: Palette })))
const Shortcuts = lazy(() => loadShortcuts().then(({ Shortcuts }) => ({ default: Shortcuts })))
const UserMenu = lazy(() => loadMenu().then(({ UserMenu }) => ({ default: UserMenu })))
const OwnPassword = lazy(() => import('./own-password.tsx').then(({ OwnPassword }) => ({ default: OwnPassword })))
const FirstAdmin = lazy(() => import('./first-admin.tsx').then(({ FirstAdmin }) => ({ default: FirstAdmin })))
const SubmitDrawer = lazy(() => loadDrawer().then(({ SubmitDrawer }) => ({ default: SubmitDrawer })))

interface Place {
  readonly to: '/' | '/tasks' | '/queues' | '/workers' | '/failures' | '/alerts' | '/admin'
  readonly text: string
  readonly icon: LucideIcon
  readonly key: string
  readonly access?: string
}

export const places: readonly Place[] = [
  { to: '/', text: 'Overview', icon: LayoutDashboard, key: 'o', access: 'stats.read' },
  { to: '/tasks', text: 'Tasks', icon: ListChecks, key: 't', access: 'tasks.read' },
  { to: '/queues', text: 'Queues', icon: Rows3, key: 'q', access: 'queues.read' },
  { to: '/workers', text: 'Workers', icon: Cpu, key: 'w', access: 'workers.read' },
  { to: '/failures', text: 'Failures', icon: TriangleAlert, key: 'f', access: 'tasks.read' },
  { to: '/alerts', text: 'Alerts', icon: Bell, key: 'l', access: 'alerts.read' },
  { to: '/admin', text: 'Admin', icon: ShieldCheck, key: 'a', access: 'accounts' },
]

/** The frame of every page; or the login, where nobody is known yet. */
export function Shell() {
  const {
    data: me,
    error,
    refetch,
  } = useQuery({
    ...meQuery,
    refetchInterval: ({ state }) => (isUnreachable(state.error) ? 3_000 : false),
  })
  const site = useQuery(siteQuery)
  const isLater = isPutOff.use()
  const isOut = error instanceof ApiError && error.status === 401
  if (me !== undefined) {
    return (
      <>
        {me.first_password && !isLater ? (
          <Suspense fallback={firstLoad}>
            <FirstAdmin />
            <Toasts />
          </Suspense>
        ) : (
          <Frame me={me} />
        )}
        {isOut && me.name !== null ? <LoginAgain name={me.name} /> : null}
      </>
    )
  }
  // What is known before a login is waited for, so that the form does not change under somebody's hands.
  if (error === null || (isOut && site.isPending)) return firstLoad
  if (isOut) {
    return (
      <>
        <Login site={site.data} />
        <Toasts />
      </>
    )
  }
  return (
    <main className="login">
      <Failure error={error} onRetry={() => void refetch()} />
    </main>
  )
}

const firstLoad = <div className="first-load" role="status" aria-label="Loading" />

function Frame({ me }: { readonly me: Me }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const { isNavNarrow } = usePreferences()
  // The page that is drawn, while another one may still be on its way: whoever looks from outside can wait for it.
  const shown = useRouterState({ select: state => state.resolvedLocation?.pathname })
  const [open, setOpen] = useState<'palette' | 'shortcuts' | 'menu' | 'password' | null>(null)
  const draft = submitDrawer.use()
  const seen = places.filter(place => place.access === undefined || mayOf(me, place.access))

  useEffect(() => liveOf(client).start(), [client])
  useParts(seen)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      // Above an open question there is no other one.
      if (document.querySelector('dialog:not(.palette)') !== null) return
      setOpen(now => (now === 'palette' ? null : 'palette'))
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  useKeys({
    '?': () => setOpen('shortcuts'),
    n: () => (mayOf(me, 'tasks.submit') ? submitDrawer.set(emptyDraft) : undefined),
    t: () => setPreferences({ theme: isDark() ? 'light' : 'dark' }),
    l: () => liveOf(client).setWanted(liveOf(client).state === 'paused'),
    '/': () => focusSearch(() => void navigate({ to: '/tasks' })),
    ...Object.fromEntries(seen.map(({ key, to }) => [`g ${key}`, () => void navigate({ to })])),
  })
  useTitle(seen)

  return (
    <div className={isNavNarrow ? 'frame frame-narrow' : 'frame'}>
      <button type="button" className="skip" onClick={skipToMain}>
        Skip to the content
      </button>
      <Nav seen={seen} isOpen={open === 'menu'} onClose={() => setOpen(null)} />
      <header className="top">
        <span className="only-phone menu-button">
          <Button look="ghost" icon={Menu} label="Pages" onClick={() => setOpen('menu')} />
          {mayOf(me, 'alerts.read') ? <FiringDot /> : null}
        </span>
        <button type="button" className="search-box" onClick={() => setOpen('palette')}>
          <Search size={15} aria-hidden="true" />
          <span>
            Search<span className="not-phone"> or jump to…</span>
          </span>
          <kbd>Ctrl K</kbd>
        </button>
        <div className="top-side">
          <EnvironmentBadge />
          {me.auth === 'required' ? null : <OpenBadge auth={me.auth} />}
          <LivePill />
          <MenuOfUser me={me} onShortcuts={() => setOpen('shortcuts')} onPassword={() => setOpen('password')} />
          {mayOf(me, 'tasks.submit') ? (
            <Button look="primary" icon={Plus} onClick={() => submitDrawer.set(emptyDraft)} title="Submit a task (n)">
              <span className="not-phone">Submit</span>
            </Button>
          ) : null}
        </div>
      </header>
      <main id="main" className="main" tabIndex={-1} data-path={shown}>
        <Outlet />
      </main>
      <Toasts />
      <Suspense>
        {open === 'palette' ? <Palette me={me} places={seen} onClose={() => setOpen(null)} /> : null}
        {open === 'shortcuts' ? <Shortcuts onClose={() => setOpen(null)} /> : null}
        {open === 'password' && me.name !== null ? <OwnPassword name={me.name} onClose={() => setOpen(null)} /> : null}
        {draft === null ? null : <SubmitDrawer draft={draft} />}
      </Suspense>
    </div>
  )
}

/**
 * Soon somebody presses Ctrl K and types at once: by then it is here. So are the pages, which are small beside what graphs
 * and charts are drawn with: one that was never opened is wanted most when the scheduler is away.
 */
function useParts(seen: readonly Place[]): void {
  const router = useRouter()
  const wanted = seen.map(({ to }) => to).join()
  useEffect(() => {
    const load = async () => {
      await Promise.allSettled([loadPalette(), loadDrawer(), loadShortcuts(), loadMenu()])
      for (const route of Object.values(router.routesById)) {
        const isWanted = wanted.split(',').includes(`/${route.fullPath.split('/')[1]}`)
        // A load that fails is tried again when the page is opened.
        if (isWanted && !route.fullPath.endsWith('/graph')) await Promise.allSettled([router.loadRouteChunk(route)])
      }
    }
    const timer = setTimeout(() => void load(), 1_000)
    return () => clearTimeout(timer)
  }, [router, wanted])
}

function Nav(props: { readonly seen: readonly Place[]; readonly isOpen: boolean; readonly onClose: () => void }) {
  const { isNavNarrow } = usePreferences()
  return (
    <>
      {props.isOpen ? <button type="button" className="nav-shade" aria-label="Close" onClick={props.onClose} /> : null}
      <nav className={props.isOpen ? 'nav nav-open' : 'nav'} aria-label="Pages">
        <Link to="/" className="brand" onClick={props.onClose} aria-label="Tasklane, overview">
          <Logo />
          <span>Tasklane</span>
        </Link>
        <ul>
          {props.seen.map(({ to, text, icon: Icon, key }) => (
            <li key={to}>
              <Link
                to={to}
                className="nav-link"
                activeOptions={{ exact: to === '/', includeSearch: false }}
                activeProps={{ className: 'nav-active' }}
                title={`${text} (g ${key})`}
                onClick={props.onClose}
              >
                <Icon size={17} aria-hidden="true" />
                <span>{text}</span>
                {to === '/alerts' ? <FiringCount /> : null}
              </Link>
            </li>
          ))}
        </ul>
        <div className="nav-foot">
          <Button
            look="ghost"
            icon={PanelLeft}
            label={isNavNarrow ? 'Widen the navigation' : 'Narrow the navigation'}
            onClick={() => setPreferences({ isNavNarrow: !isNavNarrow })}
          />
        </div>
      </nav>
    </>
  )
}

/** The menu is loaded when somebody first wants it: its library is a tenth of all the rest. */
function MenuOfUser(props: UserMenuProps) {
  const [isWanted, setWanted] = useState(false)
  const button = (
    <Button
      look="ghost"
      icon={UserRound}
      label={`Menu of ${props.me.name ?? 'anyone'}`}
      onClick={() => setWanted(true)}
    />
  )
  return isWanted ? (
    <Suspense fallback={button}>
      <UserMenu {...props} />
    </Suspense>
  ) : (
    button
  )
}

function OpenBadge({ auth }: { readonly auth: Me['auth'] }) {
  const title =
    auth === 'open'
      ? 'Anyone who reaches this address may do everything; it listens on this machine only.'
      : 'Logins are turned off: anyone who reaches this address may do everything.'
  return (
    <span className="badge badge-warn not-phone" title={title}>
      <Activity size={13} aria-hidden="true" /> {auth === 'open' ? 'Open, this machine only' : 'No login'}
    </span>
  )
}

function useTitle(seen: readonly Place[]): void {
  const environment = useEnvironment()
  const path = useRouterState({ select: state => state.location.pathname })
  useEffect(() => {
    const place = seen.findLast(({ to }) => path === to || (to !== '/' && path.startsWith(to)))
    const rest = decodeURIComponent(path.split('/')[2] ?? '')
    const product = environment === null ? 'Tasklane' : `Tasklane (${environment})`
    document.title = [rest, place?.text ?? '', product].filter(part => part !== '').join(' · ')
  }, [path, seen, environment])
}

/** A button: the hash of the address is the page, so that a link to #main would leave it. */
function skipToMain(): void {
  document.getElementById('main')?.focus()
}

function focusSearch(otherwise: () => void): void {
  const box = document.querySelector<HTMLInputElement>('[data-search]')
  if (box === null) otherwise()
  else box.focus()
}
