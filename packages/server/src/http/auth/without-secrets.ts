/** Session tokens and service tokens, wherever they stand. */
const secrets = /tl_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*/g
const secretParameter = /([?&](?:[^=&]*(?:password|token|secret|passwd|pwd)[^=&]*)=)[^&]*/gi

/** The address of a request as the log may have it. No call takes a secret there; who sends one all the same is not betrayed. */
export function withoutSecrets(url: string): string {
  const isPlain = !url.includes('?') && !url.includes('tl_') && !url.includes('eyJ')
  return isPlain ? url : url.replace(secretParameter, '$1…').replace(secrets, '…')
}
