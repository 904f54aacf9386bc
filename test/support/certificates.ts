import { execFileSync, spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { findOrInstall, isProgram } from './servers/find-or-install.ts'

/** Node makes no certificates. Null where there is no program that does. */
export function findOpenssl(): Promise<string | null> {
  return findOrInstall({ name: 'openssl', packages: ['openssl'], find: findOnPath })
}

/** A certificate of its own authority for this machine, good for two days, and its key. */
export function makePair(
  openssl: string,
  { cert, key }: { readonly cert: string; readonly key: string },
  name: string,
): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  execFileSync(openssl, ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'pipe' })
}

/** It tells its version in words of its own. */
function findOnPath(): string | null {
  const files = (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, 'openssl'))
  return files.find(file => isProgram(file) && spawnSync(file, ['version']).status === 0) ?? null
}
