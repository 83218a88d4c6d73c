/** A kernel that a virtual machine can boot: the machine's own, or another of those that its packages have put there. */
import { accessSync, constants, readdirSync } from 'node:fs';
import { attempt } from '../kernel/attempt.ts';

/** Its path; undefined where there is none that this user may read. HAKO_KERNEL names one that is elsewhere. */
export function kernelImage(): string | undefined {
  const release = process.getBuiltinModule('node:os').release();
  const images = (attempt(() => readdirSync('/boot')) ?? []).filter((name) => name.startsWith('vmlinuz-')).toSorted();
  const own = images.filter((name) => name === `vmlinuz-${release}`);
  const candidates = [process.env['HAKO_KERNEL'], ...[...own, ...images.toReversed()].map((name) => `/boot/${name}`)];
  return candidates.find((path) => path && attempt(() => (accessSync(path, constants.R_OK), true)));
}
