/**
 * Named network namespaces, as `ip netns` keeps them: a new namespace stays alive without a process, since it is mounted on a file
 * of /run/netns. Both tools see each other's. See ip-netns(8), mount(2).
 */
import { lstatSync } from 'node:fs';
import { call, result } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, mountFlags, openFlags, umountFlags } from '../../kernel/flags.ts';
import { mountAt, readMountinfo } from '../../kernel/mountinfo.ts';
import { loopbackUp } from '../../network/endpoint.ts';
import { NetlinkSocket } from '../../kernel/netlink/socket.ts';
import { enterNamespace, inChild } from '../../network/namespace.ts';
import { step, type Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { namesDirectory, type NetworkNamespace } from './namespaces.ts';
import { openNamespace } from './site.ts';

/** @throws ElementError for a name that could not be told from something else */
function checkName(name: string): void {
  if (!/^[A-Za-z0-9_.-]{1,255}$/.test(name) || name === '.' || name === '..' || name.startsWith('-'))
    throw new ElementError(`"${name}" is not a network namespace's name: use letters, digits, "_", "-" and "."`);
  if (name === 'host') throw new ElementError('"host" is the name of the namespace that hako runs in: give the new one another name');
  if (/^\d+$/.test(name)) throw new ElementError(`"${name}" would be taken for a process id: give the namespace a name with a letter in it`);
}

/** Makes a namespace with a name, its loopback up. */
export function* addNamed(name: string, existing: readonly NetworkNamespace[]): Procedure {
  checkName(name);
  const path = `${namesDirectory}/${name}`;
  if (existing.some((n) => n.names.includes(name))) throw new ElementError(`the network namespace ${name} exists already: "hako net show ${name}" shows it`);
  if (isLeftOver(path)) throw new ElementError(`${path} is left over from a network namespace that is gone: "hako net rm ${name}" takes it away`);
  const mounted = mountAt(readMountinfo(), namesDirectory) !== undefined;
  const create = call('openat', [AT_FDCWD, path, openFlags.O_CREAT | openFlags.O_EXCL | openFlags.O_CLOEXEC, 0]);
  // Shared, so that a name given or taken later is seen in other mount namespaces, too.
  const share = call('mount', ['', namesDirectory, 'none', mountFlags.MS_SHARED | mountFlags.MS_REC, null]);
  const bind = call('mount', [namesDirectory, namesDirectory, 'none', mountFlags.MS_BIND | mountFlags.MS_REC, null]);
  yield* step({
    id: 'net.names',
    what: `Make ${namesDirectory}, where names of network namespaces are kept`,
    calls: [call('mkdirat', [AT_FDCWD, namesDirectory, 0o755], { accept: [errno.EEXIST] }), ...(mounted ? [] : [bind]), share],
    shell: `mkdir -p ${namesDirectory}${mounted ? '' : `\nmount --rbind ${namesDirectory} ${namesDirectory}`}\nmount --make-rshared ${namesDirectory}`,
    look: `findmnt ${namesDirectory}`,
    undone: 'it is the place of all names, and stays',
  });
  yield* step({
    id: 'net.name',
    what: `Make the file ${path}, to mount the namespace on`,
    calls: [create, call('close', [result(create)])],
    shell: `(umask 777; set -o noclobber; : > ${path})`,
    look: `ls -l ${path}`,
    undo: [call('unlinkat', [AT_FDCWD, path, 0], { accept: [errno.ENOENT] })],
  });
  const calls = [call('unshare', [cloneFlags.CLONE_NEWNET]), call('mount', ['/proc/thread-self/ns/net', path, 'none', mountFlags.MS_BIND, null])];
  yield* step({
    id: 'net.namespace',
    what: `Make a network namespace and mount it on ${path}, which keeps it alive`,
    calls: [inChild(calls, 'child')],
    inside: [{ id: 'net.namespace.child', what: 'Enter a new network namespace and mount it', calls, shell: '', look: `lsns -t net` }],
    shell: `unshare --net=${path} true`,
    look: 'ip netns list',
    undo: [call('umount2', [path, umountFlags.MNT_DETACH], { accept: [errno.EINVAL, errno.ENOENT] })],
  });
  const fd = yield* openNamespace({ path, label: name });
  yield* loopbackUp(new NetlinkSocket('NETLINK_ROUTE', yield* enterNamespace(fd)), { ip: `ip -n ${name}` });
}

/** Whether a name's file is there, though no namespace is: the mount went, by a restart or another hand. */
const isLeftOver = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** Takes a name away; the namespace goes with the last of the processes, other mounts and descriptors that keep it. */
export function* removeNamed(name: string, existing: readonly NetworkNamespace[]): Procedure {
  checkName(name);
  if (!existing.some((n) => n.names.includes(name)) && !isLeftOver(`${namesDirectory}/${name}`))
    throw new ElementError(`there is no network namespace named ${name}: "hako net ls" lists what there is`);
  const path = `${namesDirectory}/${name}`;
  yield* step({
    id: 'net.namespace.remove',
    what: `Unmount ${path} and remove the file`,
    calls: [call('umount2', [path, umountFlags.MNT_DETACH], { accept: [errno.EINVAL] }), call('unlinkat', [AT_FDCWD, path, 0])],
    shell: `umount --lazy ${path}\nrm ${path}`,
    look: 'ip netns list',
    undone: 'taking it away is what was asked for',
  });
}
