/** `hako-oci checkpoint`: has criu(8) write a running container into files, from which `restore` makes it again. */
import { existsSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { directoryIn } from '../../runtime/cgroup/cgroup.ts';
import { placeOf } from '../cgroup-place.ts';
import { defineCommand } from '../command.ts';
import type { ContainerRecord } from '../container-record.ts';
import { dumpWords, findExternals } from '../criu/externals.ts';
import { criuFlags, criuWords, imageDirectory, workDirectory } from '../criu/flags.ts';
import { writeExternals } from '../criu/image.ts';
import { runCriu } from '../criu/run.ts';
import { OciError } from '../error.ts';
import { removeContainer } from '../remove-container.ts';
import { StateStore } from '../state-store.ts';
import { readStoredSpec } from '../stored-spec.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  description: 'Unless it is left running, the container ends and is deleted.',
  count: [1, 1],
  flags: {
    ...criuFlags,
    'leave-running': { kind: 'bool', help: 'let the container go on' },
    'pre-dump': { kind: 'bool', help: 'only the memory; the container goes on' },
    'parent-path': { kind: 'string', placeholder: 'directory', help: 'an earlier checkpoint, relative to this one: what has not changed since is left out' },
    'page-server': { kind: 'string', placeholder: 'address:port', help: 'who takes the memory' },
    'status-fd': { kind: 'int', placeholder: 'n', help: 'a descriptor that criu writes a NUL to when it is ready for --lazy-pages' },
  },
  async run({ flags, args: [id] }, settings) {
    const store = new StateStore(settings.root);
    const record = store.read(id!);
    const status = store.status(record);
    if (status !== 'running' && status !== 'paused') throw new OciError(`cannot checkpoint ${id}: container not running: it is ${status}`);
    const spec = readStoredSpec(store.directory(id!));
    if (spec.process.terminal && !flags['shell-job'])
      throw new OciError(`cannot checkpoint ${id}: the other end of its terminal is its caller's, who is not part of it`);
    const statusFd = flags['status-fd'];
    if (statusFd !== undefined && (statusFd < 0 || statusFd > 1000)) throw new OciError(`invalid value ${statusFd} of --status-fd: use a descriptor`);
    const { pid } = record.process!;
    const image = imageDirectory(flags, true);
    const work = workDirectory(flags, image);
    const externals = findExternals(pid, spec);
    const action = flags['pre-dump'] ? 'pre-dump' : 'dump';
    const words = [action, '--tree', String(pid), '--images-dir', image, '--work-dir', work, '--log-file', `${action}.log`, '-v4'].concat(
      ['--root', record.rootfs, '--evasive-devices'],
      freezerWords(record),
      criuWords(flags),
      dumpWords(pid, externals),
      flags['leave-running'] && !flags['pre-dump'] ? ['--leave-running'] : [],
      flags['pre-dump'] || flags['parent-path'] ? ['--track-mem'] : [],
      parentWords(image, flags['parent-path']),
      pageServerWords(flags['page-server']),
      statusFd === undefined ? [] : ['--status-fd', String(statusFd)],
    );
    settings.log.debug(`${settings.criu} ${words.join(' ')}`);
    await runCriu(settings.criu, words, join(work, `${action}.log`), statusFd);
    if (flags['pre-dump']) return;
    writeExternals(image, externals);
    writeFileSync(join(image, 'descriptors.json'), JSON.stringify(externals.streams), { mode: 0o600 }); // by this name, as runc's, callers look
    if (!flags['leave-running']) await removeContainer(record, store, settings);
  },
});

/** The cgroup by which criu stops the processes while it reads them. */
function freezerWords({ cgroup }: ContainerRecord): string[] {
  const { path, hierarchies } = placeOf(cgroup);
  const freezer = hierarchies.find(({ version }) => version === 2) ?? hierarchies.find(({ controllers }) => controllers.includes('freezer'));
  return freezer ? ['--freeze-cgroup', directoryIn(freezer, path)] : [];
}

function parentWords(image: string, parent: string | undefined): string[] {
  if (!parent) return [];
  if (isAbsolute(parent)) throw new OciError(`--parent-path ${parent} is to be relative to --image-path, so that both can be moved together`);
  if (!existsSync(join(image, parent))) throw new OciError(`--parent-path: there is no ${join(image, parent)}`);
  return ['--prev-images-dir', parent];
}

function pageServerWords(server: string | undefined): string[] {
  if (!server) return [];
  const [, address, port] = /^(.+):(\d+)$/.exec(server) ?? [];
  if (!address) throw new OciError(`invalid value "${server}" of --page-server: use ADDRESS:PORT`);
  return ['--page-server', '--address', address, '--port', port!];
}
