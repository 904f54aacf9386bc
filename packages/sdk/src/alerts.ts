import type {
  Alert,
  AlertChannel,
  AlertChannelChange,
  AlertChannelDraft,
  AlertChannelList,
  AlertChannelTest,
  AlertPage,
  AlertRule,
  AlertRuleChange,
  AlertRuleDraft,
  AlertRuleList,
  AlertSeverity,
  AlertSilenceRequest,
  AlertState,
} from '@tasklane/protocol'
import type { Call, Transport } from './transport.ts'

/** What is in trouble, what is watched for, and who is told of it. Shapes and names are those of the wire. */
export interface Alerts {
  /** Newest first. */
  list(query?: AlertsQuery): Promise<AlertPage>
  get(id: number): Promise<Alert>
  /** Channels are not told that this subject of this rule fires, `until` a time or `for` so many seconds. */
  silence(id: number, silence: AlertSilenceRequest): Promise<Alert>
  unsilence(id: number): Promise<Alert>
  /** Those that are there from the start come first. */
  rules(): Promise<readonly AlertRule[]>
  createRule(rule: AlertRuleDraft): Promise<AlertRule>
  changeRule(id: string, change: AlertRuleChange): Promise<AlertRule>
  removeRule(id: string): Promise<void>
  /** For admins, as all that follows. */
  channels(): Promise<readonly AlertChannel[]>
  createChannel(channel: AlertChannelDraft): Promise<AlertChannel>
  changeChannel(id: string, change: AlertChannelChange): Promise<AlertChannel>
  removeChannel(id: string): Promise<void>
  /** Sends a message that is marked as a test, and tells what came back. */
  testChannel(id: string): Promise<AlertChannelTest>
}

export interface AlertsQuery {
  readonly states?: readonly AlertState[] | undefined
  readonly severities?: readonly AlertSeverity[] | undefined
  /** The id of a rule. */
  readonly rule?: string | undefined
  readonly limit?: number | undefined
  /** `next_cursor` of the page before, with the same filter. */
  readonly cursor?: string | undefined
}

export function createAlerts(transport: Transport): Alerts {
  // The shapes of replies are the scheduler's word, given in @tasklane/protocol.
  const call = async <Reply>(ask: Call): Promise<Reply> => (await transport.call(ask)).body as Reply
  const get = <Reply>(path: string): Promise<Reply> => call({ method: 'GET', path, isRepeatable: true })
  const post = <Reply>(path: string, body: object, isRepeatable: boolean): Promise<Reply> =>
    call({ method: 'POST', path, body: JSON.stringify(body), isRepeatable })
  const patch = <Reply>(path: string, body: object): Promise<Reply> =>
    call({ method: 'PATCH', path, body: JSON.stringify(body), isRepeatable: true })
  const remove = <Reply>(path: string): Promise<Reply> => call({ method: 'DELETE', path, isRepeatable: true })
  const silenceOf = (id: number): string => `/api/alerts/${id}/silence`
  const pathOf = (kind: 'rules' | 'channels', id: string): string => `/api/alerts/${kind}/${encodeURIComponent(id)}`
  return Object.freeze<Alerts>({
    list: (query = {}) => get(`/api/alerts${searchOf(query)}`),
    get: id => get(`/api/alerts/${id}`),
    // Silenced twice is silenced once.
    silence: (id, silence) => post(silenceOf(id), silence, true),
    unsilence: id => remove(silenceOf(id)),
    rules: async () => (await get<AlertRuleList>('/api/alerts/rules')).rules,
    createRule: rule => post('/api/alerts/rules', rule, false),
    changeRule: (id, change) => patch(pathOf('rules', id), change),
    removeRule: async id => {
      await remove(pathOf('rules', id))
    },
    channels: async () => (await get<AlertChannelList>('/api/alerts/channels')).channels,
    createChannel: channel => post('/api/alerts/channels', channel, false),
    changeChannel: (id, change) => patch(pathOf('channels', id), change),
    removeChannel: async id => {
      await remove(pathOf('channels', id))
    },
    testChannel: id => post(`${pathOf('channels', id)}/test`, {}, false),
  })
}

function searchOf({ states, severities, ...rest }: AlertsQuery): string {
  const search = new URLSearchParams()
  if (states !== undefined) search.set('state', states.join(','))
  if (severities !== undefined) search.set('severity', severities.join(','))
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) search.set(name, String(value))
  return search.size === 0 ? '' : `?${search}`
}
