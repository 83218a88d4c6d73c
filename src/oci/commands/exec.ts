/** `hako-oci exec`: one more program in a container that runs. */
import { killProcess } from '../../kernel/process.ts';
import { defineCommand } from '../command.ts';
import { preservedOf } from '../create-flags.ts';
import { OciError } from '../error.ts';
import { execInContainer } from '../exec-container.ts';
import { processOf } from '../exec-process.ts';
import { CaughtSignals, waitInForeground } from '../foreground.ts';
import { writePidFile } from '../pid-file.ts';
import { readyExec } from '../process.ts';
import { StateStore } from '../state-store.ts';
import { readStoredSpec } from '../stored-spec.ts';

export const command = defineCommand({
  usage: 'CONTAINER [PROGRAM [ARGUMENT...]]',
  count: [1, Infinity],
  ownsRest: true,
  flags: {
    process: { kind: 'string', short: 'p', placeholder: 'file', help: 'the process in JSON, as `process` of config.json' },
    tty: { kind: 'bool', short: 't', help: 'give it a terminal' },
    user: { kind: 'string', short: 'u', placeholder: 'uid[:gid]', help: 'run it as this user' },
    'additional-gids': { kind: 'list', short: 'g', placeholder: 'gid', help: 'in this group too' },
    cwd: { kind: 'string', placeholder: 'directory', help: 'begin in this directory' },
    env: { kind: 'list', short: 'e', placeholder: 'NAME=VALUE', help: 'set a variable' },
    cap: { kind: 'list', short: 'c', placeholder: 'capability', help: 'give it a capability more' },
    'no-new-privs': { kind: 'bool', help: 'let no program raise its privileges' },
    apparmor: { kind: 'string', placeholder: 'profile', help: 'under this profile of AppArmor' },
    'process-label': { kind: 'string', placeholder: 'label', help: 'with this label of SELinux' },
    detach: { kind: 'bool', short: 'd', help: 'do not wait for its end' },
    'console-socket': { kind: 'string', placeholder: 'socket', help: "a unix socket that is sent the terminal's master" },
    'pid-file': { kind: 'string', placeholder: 'file', help: "a file to write the process's id to" },
    'preserve-fds': { kind: 'int', placeholder: 'n', help: 'pass this many further descriptors to it, from 3 on', default: '0' },
    cgroup: { kind: 'list', placeholder: '[controller:]path', help: "a cgroup below the container's, which is there already" },
    'ignore-paused': { kind: 'bool', help: 'also in a container that is paused: it waits until that goes on' },
    'no-subreaper': { kind: 'bool', help: 'accepted for callers of runc; nothing here is a subreaper' },
  },
  async run({ flags, args: [id, ...program] }, settings) {
    const store = new StateStore(settings.root);
    const record = store.read(id!);
    const status = store.status(record);
    if (status === 'stopped' || status === 'creating') throw new OciError(`cannot exec in a stopped container: container not running: ${id} is ${status}`);
    if (status === 'paused' && !flags['ignore-paused']) throw new OciError(`cannot exec in a paused container: resume ${id} first, or use --ignore-paused`);
    const spec = readStoredSpec(store.directory(record.id));
    const asked = processOf(spec, flags, program);
    const { process, ...oddities } = readyExec(asked.process, record.process!.pid, record.namespaces.includes('user'));
    for (const note of [...asked.notes, ...oddities.notes]) settings.log.debug(note);
    for (const warning of [...asked.warnings, ...oddities.warnings]) settings.log.warn(warning);
    using signals = flags.detach ? undefined : new CaughtSignals();
    const begun = execInContainer({
      record,
      spec,
      process,
      consoleSocket: flags['console-socket'],
      attached: !flags.detach,
      preserveFds: preservedOf(flags['preserve-fds']),
      below: flags.cgroup,
      kernel: settings.kernel,
    });
    const { child, master } = await begun.catch((error: unknown) => {
      // What was in its way is then not what somebody would have to mend.
      if (store.status(record) === 'stopped') throw new OciError(`cannot exec in a stopped container: container not running: ${id} has stopped meanwhile`);
      throw error;
    });
    try {
      if (flags['pid-file']) writePidFile(flags['pid-file'], child.process.pid);
    } catch (error) {
      // Its caller would never learn what to watch.
      killProcess(child.process);
      throw error;
    }
    settings.log.flush();
    return signals ? await waitInForeground(child.process, master, signals) : 0;
  },
});
