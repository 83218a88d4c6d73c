/** The overlays that are mounted in a lab, with their layers. See overlayfs.rst, "lowerdir", and proc_pid_mountinfo(5). */
import type { LabProcess } from '../../lab/processes.ts';
import type { Look } from './look.ts';

export interface Overlay {
  /** Somebody who sees it. */
  readonly process: LabProcess;
  readonly mountPoint: string;
  /** The uppermost first. */
  readonly lowers: readonly string[];
  /** Absent for one that cannot be written. */
  readonly upper: string | undefined;
}

/** All of them, each once. */
export function overlaysOf(look: Look): readonly Overlay[] {
  const seen = new Map<string, Overlay>();
  for (const process of look.processes)
    for (const { type, mountPoint, superOptions, device } of look.mountsOf(process)) {
      if (type !== 'overlay' || seen.has(device)) continue;
      const value = (name: string): string[] => superOptions.flatMap((option) => (option.startsWith(`${name}=`) ? [option.slice(name.length + 1)] : []));
      // Named in one option, or each by itself (fsconfig(2), `lowerdir+`).
      const lowers = [...value('lowerdir').flatMap((text) => text.split(/(?<!\\):/)), ...value('lowerdir+')].map((path) => path.replaceAll('\\:', ':'));
      seen.set(device, { process, mountPoint, lowers, upper: value('upperdir')[0] });
    }
  return [...seen.values()];
}
