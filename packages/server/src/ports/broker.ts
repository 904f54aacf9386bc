/**
 * What a node tells other nodes after a commit. A hint may be lost, doubled, reordered or late; it carries names, never
 * truth. Losing all of them costs time up to one poll. The store has the last word.
 */
export type Hint =
  /** Tasks of this queue and type may be claimable now. */
  | { readonly kind: 'ready'; readonly queue: string; readonly type: string }
  /** These tasks ended. */
  | { readonly kind: 'ended'; readonly taskIds: readonly string[] }
  /** Something else of these changed, a claim or a beat: nobody waits for it, but a page may show it. A little later is enough. */
  | { readonly kind: 'changed'; readonly what: 'tasks' | 'workers' | 'queues' }
  /** Something changed that could matter to anybody: look at everything. Made locally after a reconnect, too. */
  | { readonly kind: 'resync' }

export interface Broker {
  /** Returns at once and never throws. Never called inside a transaction. */
  publish(hints: readonly Hint[]): void
  /** Hints of other nodes only; a node knows its own. */
  listen(onHint: (hint: Hint) => void): () => void
  status(): 'connected' | 'degraded'
  /** Nodes that hear these hints, this one included; null where that cannot be told just now. */
  countNodes(): Promise<number | null>
  close(): Promise<void>
}
