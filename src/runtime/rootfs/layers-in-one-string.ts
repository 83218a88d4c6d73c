/**
 * Layers of an overlay before Linux 6.5, where all of them are named in one string, and fsconfig(2) takes 255 bytes of it.
 * Paths would fill that with a few layers. So each layer is opened, and named by its descriptor's number alone, which
 * leads to it for as long as the process is in /proc/self/fd. See overlayfs(5), proc_pid_fd(5).
 */
import { call, result, type Call, type Result } from '../../kernel/call.ts';
import { closeFd } from '../../kernel/file-at.ts';
import { AT_FDCWD, fsconfigCommands, openFlags } from '../../kernel/flags.ts';
import { performNow } from '../../kernel/perform.ts';

/** The calls that give an overlay its layers. */
export interface NamedLayers {
  /** Before the file system is made. */
  readonly set: readonly Call[];
  /** Makes it: this is when a kernel that needs one string follows the names; a newer one does when it is given them. */
  readonly create: Call;
  /** At the end. */
  readonly close: readonly Call[];
}

/**
 * Names layers by their descriptors.
 * @param fs from fsopen(2)
 * @param lower their directories, top first
 */
export function layersInOneString(fs: Result, lower: readonly string[]): NamedLayers {
  const layers = lower.map((path) => call('openat', [AT_FDCWD, path, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'layer' }));
  const lowerdir = (value: string): Call => call('fsconfig', [fs, fsconfigCommands.FSCONFIG_SET_STRING, 'lowerdir', value, 0]);
  const create = call('fsconfig', [fs, fsconfigCommands.FSCONFIG_CMD_CREATE, null, null, 0]);
  return {
    set: [
      ...layers,
      {
        ...lowerdir(lower.join(':')),
        perform: (resolve) => amongDescriptors(() => performNow(lowerdir(layers.map((layer) => resolve(result(layer))).join(':')), resolve)),
        failureDetail: () => `${lower.length} layers may be more than one string of 255 bytes can name, and Linux takes them one by one only from 6.5 on`,
      },
    ],
    create: { ...create, perform: (resolve) => amongDescriptors(() => performNow(create, resolve)) },
    close: layers.map((layer) => call('close', [result(layer)])),
  };
}

/** Makes a call while this process is in /proc/self/fd. Nothing else runs meanwhile, since nothing is awaited. */
function amongDescriptors(make: () => number): number {
  const here = performNow(call('openat', [AT_FDCWD, '.', openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
  if (here < 0) return here;
  try {
    const gone = performNow(call('chdir', ['/proc/self/fd']));
    return gone < 0 ? gone : make();
  } finally {
    performNow(call('fchdir', [here]));
    closeFd(here);
  }
}
