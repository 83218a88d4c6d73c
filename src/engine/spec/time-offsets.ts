/** A container's clocks: annotations ask for a time namespace whose clocks are set off. See time_namespaces(7). */
import { existsSync } from 'node:fs';
import type { HostConfig } from '../../api/schema.ts';
import type { LinuxSpec } from '../../runtime/spec.ts';
import { EngineError } from '../engine.ts';

/** Annotations that set a clock off, in seconds. */
export const timeAnnotations = { boottime: 'hakobune.time.boottime', monotonic: 'hakobune.time.monotonic' } as const;

/** The offsets asked for, by clock; undefined for none. @throws EngineError 400 for what is no number of seconds, or a kernel without time namespaces */
export function timeOffsets({ Annotations = {} }: Pick<HostConfig, 'Annotations'>): LinuxSpec['timeOffsets'] {
  const offsets = Object.entries(timeAnnotations).flatMap(([clock, name]) => {
    const text = Annotations[name];
    if (text === undefined) return [];
    if (!/^-?\d{1,10}$/.test(text)) throw new EngineError(400, `the annotation ${name}=${text.slice(0, 80)} is not a whole number of seconds`);
    return [[clock, { secs: Number(text), nanosecs: 0 }] as const];
  });
  if (offsets.length === 0) return undefined;
  if (!existsSync('/proc/self/ns/time'))
    throw new EngineError(400, `this kernel has no time namespaces (CONFIG_TIME_NS), which ${Object.values(timeAnnotations).join(' and ')} need`);
  return Object.fromEntries(offsets);
}
