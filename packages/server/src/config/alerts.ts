import { isNetwork } from '../couriers/http/address-guard.ts'
import { isSet, type Reader } from './reader.ts'

/** How people are told of alerts. */
export interface AlertsConfig {
  /** Where people open the pages, without a slash at the end: messages lead there. Null where nobody said. */
  readonly publicUrl: string | null
  /** Hosts, addresses and networks that channels may lead to although they are not on the internet. */
  readonly webhookAllow: readonly string[]
}

export function readAlerts(read: Reader): AlertsConfig {
  return { publicUrl: readPublicUrl(read), webhookAllow: readWebhookAllow(read) }
}

function readPublicUrl({ env, faults }: Reader): string | null {
  const given = (env.TASKLANE_PUBLIC_URL ?? '').trim()
  if (!isSet(given)) return null
  const url = URL.canParse(given) ? new URL(given) : null
  const isPlain = url !== null && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '')
  faults.push(
    `TASKLANE_PUBLIC_URL is '${given.slice(0, 100)}'; it takes the address at which people open the pages, such as https://tasks.example.`,
  )
  return null
}

function readWebhookAllow({ list, faults }: Reader): readonly string[] {
  const places = list('TASKLANE_WEBHOOK_ALLOW')
  for (const place of places) {
    if (isNetwork(place) || /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(place)) continue
    faults.push(
      `TASKLANE_WEBHOOK_ALLOW holds '${place}'; it takes hosts, addresses and networks with commas: hooks.internal, 10.1.2.3, 10.1.0.0/16.`,
    )
  }
  return places
}
