/** `hako-oci restore`: has criu(8) make a container again of what `checkpoint` wrote. */
import { defineCommand } from '../command.ts';
import { criuFlags, criuWords, imageDirectory, workDirectory } from '../criu/flags.ts';
import { restoreContainer } from '../criu/restore-container.ts';
import { CaughtSignals, waitInForeground } from '../foreground.ts';
import { writePidFile } from '../pid-file.ts';
import { removeContainer } from '../remove-container.ts';
import { OciError } from '../error.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  description: "The configuration is that of the bundle, whose root file system is to have the container's files.",
  count: [1, 1],
  flags: {
    ...criuFlags,
    bundle: { kind: 'string', short: 'b', placeholder: 'directory', help: 'the directory with config.json and the root file system', default: '.' },
    detach: { kind: 'bool', short: 'd', help: 'do not wait for its end' },
    'pid-file': { kind: 'string', placeholder: 'file', help: "a file to write the first process's id to" },
    'console-socket': { kind: 'string', placeholder: 'socket', help: 'refused: a terminal is no part of a checkpoint' },
    'no-subreaper': { kind: 'bool', help: 'says nothing here: the process is the child of who collects orphans anyway' },
    'no-pivot': { kind: 'bool', help: 'says nothing here: criu enters the root in its own way' },
    'lsm-profile': { kind: 'string', placeholder: 'type:name', help: 'another profile of the security module' },
    'lsm-mount-context': { kind: 'string', placeholder: 'context', help: 'another SELinux label of mounts' },
  },
  async run({ flags, args: [id] }, settings) {
    if (flags['console-socket']) throw new OciError('cannot restore a terminal: it is no part of a checkpoint (--console-socket)');
    const store = new StateStore(settings.root);
    const lsm = (['lsm-profile', 'lsm-mount-context'] as const).flatMap((name) => (flags[name] ? [`--${name}`, flags[name]] : []));
    const image = imageDirectory(flags, false);
    using signals = flags.detach ? undefined : new CaughtSignals();
    const record = await restoreContainer(
      {
        id: id!,
        bundle: flags.bundle ?? '.',
        image,
        work: workDirectory(flags, image),
        words: [...criuWords(flags), ...lsm],
        shellJob: flags['shell-job'],
      },
      settings,
    );
    if (flags['pid-file']) writePidFile(flags['pid-file'], record.process!.pid);
    if (!signals) return 0;
    const status = await waitInForeground(record.process!, undefined, signals);
    await removeContainer(record, store, settings);
    return status;
  },
});
