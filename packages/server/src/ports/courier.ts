/**
 * Brings messages to addresses outside. It goes only where the operator lets it: whoever may name an address must not
 * reach through this node what stands behind its walls.
 */
export interface Courier {
  /** Why it will never go to this address, as a sentence; null where it may, as far as the address alone can say. */
  refusalOf(url: string): string | null
  /** One POST, within a bounded time. Never rejects. */
  post(letter: Letter): Promise<Delivery>
}

export interface Letter {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Delivery =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** The beginning of it. */
      readonly body: string
    }
  /** Nothing came back that is an answer; why, in a sentence. */
  | { readonly kind: 'failed'; readonly detail: string }
