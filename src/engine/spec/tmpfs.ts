/** A tmpfs of the user's: `--tmpfs PATH[:OPTIONS]` and `--mount type=tmpfs`. See tmpfs(5). */
import type { MountRequest } from '../../api/schema.ts';
import type { MountSpec } from '../../runtime/spec.ts';
import { EngineError } from '../engine.ts';

const flags = /^(ro|rw|(no)?(suid|dev|exec|atime|diratime|relatime|strictatime|symfollow|swap)|(r?(private|slave|shared|unbindable)))$/;
const parameters: Readonly<Record<string, RegExp>> = {
  size: /^\d{1,18}[kmgtKMGT%]?$/,
  nr_inodes: /^\d{1,18}[kmgKMG]?$/,
  nr_blocks: /^\d{1,18}[kmgKMG]?$/,
  mode: /^[0-7]{1,5}$/,
  uid: /^\d{1,10}$/,
  gid: /^\d{1,10}$/,
  huge: /^(never|always|within_size|advise)$/,
  mpol: /^[a-z:=\d-]{1,64}$/,
};

/** @throws EngineError 400 for an option that a tmpfs does not have */
export function checkTmpfsOptions(options: readonly string[]): void {
  for (const option of options) {
    const [name = '', value] = option.split(/=(.*)/s);
    if (value === undefined ? !flags.test(option) : !parameters[name]?.test(value)) {
      throw new EngineError(
        400,
        `invalid tmpfs option ${JSON.stringify(option.slice(0, 80))}: use size=BYTES, mode=OCTAL, uid, gid, nr_inodes, and flags such as ro, exec, nosuid`,
      );
    }
  }
}

/** The options of a mount request, as mount options. */
export function requestedTmpfsOptions({ SizeBytes = 0, Mode, Options = [] }: NonNullable<MountRequest['TmpfsOptions']>): string[] {
  return [...(SizeBytes !== 0 ? [`size=${SizeBytes}`] : []), ...(Mode ? [`mode=${Mode.toString(8)}`] : []), ...Options.map((option) => option.join('='))];
}

/** Docker's defaults, and what the user says: a later option counts. */
export function tmpfsMount(destination: string, options: readonly string[]): MountSpec {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', ...options] };
}

/** `size=64m,exec` as a list. */
export const tmpfsWords = (options: string): string[] => options.split(',').filter(Boolean);
