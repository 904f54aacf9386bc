import type { SystemInfo, Worker } from '@tasklane/protocol'
import { Bar } from '../../parts/basic.tsx'
import { slotsUsed } from '../slots.ts'

export function Slots({ worker }: { readonly worker: Worker }) {
  const used = slotsUsed(worker)
  const all = worker.max_concurrent_tasks
  return (
    <div className="worker-slots">
      <Bar percent={(used / all) * 100} label={`${used} slots of ${all} in use`} />
      <span className="number">
        {used} / {all}
      </span>
    </div>
  )
}

export const gaugesOf = (info: SystemInfo) =>
  [
    ['CPU', info.cpu_usage],
    ['Memory', info.memory_usage],
    ['Disk', info.disk_usage],
  ] as const

export function Gauges({ info }: { readonly info: SystemInfo }) {
  const gauges = gaugesOf(info)
  if (gauges.every(([, value]) => value === undefined)) return null
  return (
    <div className="gauges">
      {gauges.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name} className="gauge">
            <span className="faint">{name}</span>
            <Bar percent={value} tone={toneOfLoad(value)} label={`${name} ${Math.round(value)} per cent`} />
            <span className="number">{Math.round(value)} %</span>
          </div>
        ),
      )}
    </div>
  )
}

/** The version that its people gave it, or else of what it is built on. */
export function versionText({ labels, system_info }: Worker): string {
  return labels.version ?? system_info.sdk?.split(' ')[0]?.replace('/', ' ') ?? '–'
}

export function toneOfLoad(percent: number): string {
  return percent > 90 ? 'failed' : percent > 75 ? 'pending' : 'accent'
}

export function namesText(names: readonly string[]): string {
  return names.length === 0 || names.includes('*') ? 'all' : names.join(', ')
}
