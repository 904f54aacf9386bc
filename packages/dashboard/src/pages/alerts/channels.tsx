import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { AlertChannel, AlertChannelTest } from '@tasklane/protocol'
import { CircleCheck, CircleX, Pencil, Plus, Send, Trash2, Webhook } from 'lucide-react'
import { useState } from 'react'
import { send } from '../../api/http.ts'
import { alertChannelsQuery } from '../../api/queries.ts'
import { Button, Failure, Notice, Panel, Skeleton, Stale } from '../../parts/basic.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { plural, span } from '../../parts/format.ts'
import { Time } from '../../parts/time.tsx'
import { toast, toastError } from '../../shell/toasts.tsx'
import { ChannelForm } from './channel-form.tsx'

/** Who is told, and whether it arrived. */
export function Channels() {
  const { data: channels, error, refetch, dataUpdatedAt } = useQuery(alertChannelsQuery)
  const [isAdding, setAdding] = useState(false)
  if (channels === undefined)
    return error === null ? <Skeleton rows={4} /> : <Failure error={error} onRetry={() => void refetch()} />
  return (
    <>
      <Stale error={error} at={dataUpdatedAt} />
      <Panel
        isFlush
        title="Channels"
        side={
          <Button isSmall icon={Plus} onClick={() => setAdding(true)}>
            Add a channel
          </Button>
        }
      >
        {channels.length === 0 ? (
          <Notice icon={Webhook} title="Nobody is told yet">
            <p>
              Alerts stand on these pages. A channel is an address that is sent them, too, as JSON by POST: a chat’s
              incoming webhook, a pager, a program of yours.
            </p>
          </Notice>
        ) : (
          <ul className="channel-list">
            {channels.map(channel => (
              <Channel key={channel.channel_id} channel={channel} />
            ))}
          </ul>
        )}
      </Panel>
      {isAdding ? <ChannelForm channel={null} onClose={() => setAdding(false)} /> : null}
    </>
  )
}

function Channel({ channel }: { readonly channel: AlertChannel }) {
  const [isEditing, setEditing] = useState(false)
  const { answer, isBusy, test } = useTest(channel)
  return (
    <li className={channel.enabled ? '' : 'channel-off'} data-channel={channel.name}>
      <div className="channel-head">
        <strong className="clip">{channel.name}</strong>
        {channel.enabled ? null : <span className="badge badge-small">off</span>}
        {channel.signed ? <span className="badge badge-small">signed</span> : null}
        {channel.severities.length === 1 ? (
          <span className="badge badge-small">{channel.severities.join()} only</span>
        ) : null}
        {/* A node of an earlier version says nothing of it. */}
        {(channel.remind_every_s ?? null) === null ? null : (
          <span className="badge badge-small" title="Told again while an alert goes on firing">
            again every {span((channel.remind_every_s ?? 0) * 1_000)}
          </span>
        )}
        <span className="channel-acts">
          <Button isSmall icon={Send} disabled={isBusy} onClick={() => void test()}>
            {isBusy ? 'Sending…' : 'Send a test'}
          </Button>
          <Button look="ghost" isSmall icon={Pencil} label={`Edit ${channel.name}`} onClick={() => setEditing(true)} />
          <DeleteChannel channel={channel} />
        </span>
      </div>
      <code className="channel-url">{channel.url}</code>
      <Health channel={channel} />
      {answer === null ? null : <Answer answer={answer} />}
      {isEditing ? <ChannelForm channel={channel} onClose={() => setEditing(false)} /> : null}
    </li>
  )
}

function useTest(channel: AlertChannel) {
  const [answer, setAnswer] = useState<AlertChannelTest | null>(null)
  const [isBusy, setBusy] = useState(false)
  const test = async () => {
    setBusy(true)
    setAnswer(null)
    try {
      setAnswer(await send<AlertChannelTest>('POST', `${pathOf(channel)}/test`))
    } catch (error) {
      toastError(error)
    } finally {
      setBusy(false)
    }
  }
  return { answer, isBusy, test }
}

/** The last message that arrived, and the last that did not. */
function Health({ channel }: { readonly channel: AlertChannel }) {
  const { last_sent_at, last_failed_at, last_failure, undelivered } = channel
  const isFailing = last_failed_at !== null && (last_sent_at === null || last_failed_at > last_sent_at)
  return (
    <p className="alert-notes">
      {last_sent_at === null ? (
        <span>No message yet</span>
      ) : (
        <span>
          last message <Time at={last_sent_at} />
        </span>
      )}
      {last_failed_at === null ? null : (
        <span className={isFailing ? 'tone-failed' : ''}>
          failed <Time at={last_failed_at} />
          {last_failure === null ? null : `: ${last_failure}`}
        </span>
      )}
      {undelivered === 0 ? null : (
        <span className="tone-pending">{plural(undelivered, 'message')} to be delivered</span>
      )}
    </p>
  )
}

/** What came back of a test, in the words of the scheduler and of the receiver. */
function Answer({ answer }: { readonly answer: AlertChannelTest }) {
  const Icon = answer.delivered ? CircleCheck : CircleX
  return (
    <div className="channel-answer" role="status">
      <p className={answer.delivered ? 'tone-completed' : 'tone-failed'}>
        <Icon size={15} aria-hidden="true" />
        <span>
          {answer.delivered ? 'Delivered in' : 'Not delivered, after'} {span(answer.duration_ms)}
          {answer.delivered && answer.status !== null ? `, answered with ${answer.status}` : ''}. {answer.detail}
        </span>
      </p>
      {answer.body === null || answer.body === '' ? null : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <pre tabIndex={0}>{answer.body}</pre>
      )}
    </div>
  )
}

function DeleteChannel({ channel }: { readonly channel: AlertChannel }) {
  const client = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const remove = async () => {
    await send('DELETE', pathOf(channel))
    toast('good', `The channel ${channel.name} is gone.`)
    await client.invalidateQueries({ queryKey: ['alerts', 'channels'] })
  }
  return (
    <>
      <Button look="ghost" isSmall icon={Trash2} label={`Delete ${channel.name}`} onClick={() => setAsking(true)} />
      <Confirm
        title={`Delete ${channel.name}?`}
        verb="Delete"
        isDanger
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        onConfirm={remove}
      >
        <p>
          It is told of nothing any more
          {channel.undelivered === 0
            ? ''
            : `, and ${plural(channel.undelivered, 'message')} on the way to it is dropped`}
          .
        </p>
      </Confirm>
    </>
  )
}

function pathOf(channel: AlertChannel): string {
  return `api/alerts/channels/${encodeURIComponent(channel.channel_id)}`
}
