/**
 * Where other runtimes are known not to do what the specification says, with the evidence. A failed claim that is listed here does
 * not fail the suite; one that is not listed is an error of the runtime, or of the suite. Of crun nothing is listed, since nothing
 * depends on it: docs/conformance.md tells what it does.
 */

/** Deviations of a runtime: what it does instead, and in which claims that shows, as `property/claim`. */
type Deviations = readonly (readonly [instead: string, ...claims: string[]])[];

/** runc 1.1.5, as Debian 12 has it; it says that it implements specification 1.0.2. */
const runc: Deviations = [
  [
    'the field came with specification 1.1 or 1.2; it is ignored',
    'domainname/is seen by the program',
    'linux-time-offsets/need a time namespace',
    'mounts-idmap/idmap maps the owners in the mount alone',
    'mounts-idmap/ridmap maps those below, too',
    'mounts-idmap/what is written has the mapped owner',
    'mounts-idmap/idmap without any mapping is an error',
    'mounts-idmap/one of the mappings alone is an error',
    'process-io-priority/is set',
    'process-io-priority/refuses a class or a priority that there is not',
    'process-scheduler/has its policy and nice value',
    'process-scheduler/refuses a policy that there is not',
    'resources-cpu/burst',
    'resources-cpu/idle',
  ],
  [
    'specification 1.1 or 1.2 brought this; it is an error',
    'linux-namespaces-new/time: is the container’s own',
    'linux-namespaces-path/time: is joined',
    'linux-time-offsets/are shifted',
    'mounts-idmap/idmap without mappings uses those of the container',
  ],
  ['ociVersion is not looked at, though it is required and in the format of SemVer', 'config-version/is required', 'config-version/is a semantic version'],
  [
    'poststart hooks are called at the end of create, with the status created',
    'hooks-order/start: poststart, and not before',
    'hooks-state/poststart: the state is on stdin',
    'hooks-failure/poststart: the container runs all the same',
  ],
  ['start has returned before startContainer hooks are called, so it does not learn that one failed', 'hooks-failure/startContainer: start says so'],
  ['the first poststop hook that fails is the last that is called', 'hooks-failure/poststop: the container is deleted all the same'],
  ['delete of a container that is created kills it', 'lifecycle-delete/is an error for a container that is created'],
  ['mknod(2) fails with EEXIST where another file is, and that is taken for success', 'linux-devices/are not put over another file'],
  ['a user namespace that is joined needs mappings, too', 'linux-namespaces-path/user: is joined, with the network namespace that belongs to it'],
  [
    'the value is that of the old root before the container’s is bound, after which the container’s is private',
    'linux-rootfs-propagation/shared: the root has a peer group',
  ],
  [
    'the old root is made unbindable before the container’s is bound, which fails with EINVAL',
    'linux-rootfs-propagation/unbindable: the root cannot be bind-mounted',
  ],
  ['defaults is passed to the file system, which does not know it', 'mounts-options/defaults'],
  ['directories are copied with the mode less the umask', 'mounts-tmpcopyup/has the content of the directory'],
  ['a tmpfs gets the mode of the directory that it is mounted on, whatever mode= says', 'mounts-types/tmpfs: is writable, and ends with the container'],
  ['linux.personality is ignored, though it is in specification 1.0.2', 'process-personality/is set', 'process-personality/refuses a domain that there is not'],
  ['of two limits of one type the later is set; the specification demands an error', 'process-rlimits/of one kind are not given twice'],
  ['umask in the file of --process is ignored', 'exec-process/has the umask of the file'],
  ['on a hybrid machine the controllers of version 2 are not used', 'resources-hugepages/are limited'],
  ['kernelTCP is ignored', 'resources-memory/kernelTCP'],
  ['seccomp flags are refused as not supported', 'seccomp-actions/flags are taken'],
  [
    'the seccomp section is not checked for this; the specification demands an error',
    'seccomp-invalid/a rule without names',
    'seccomp-invalid/errnoRet of an action that has none',
    'seccomp-invalid/defaultErrnoRet of an action that has none',
    'seccomp-invalid/listenerMetadata without listenerPath',
  ],
];

function byClaim(deviations: Deviations): ReadonlyMap<string, string> {
  return new Map(deviations.flatMap(([instead, ...claims]) => claims.map((claim) => [claim, instead] as const)));
}

const known: Readonly<Record<string, ReadonlyMap<string, string>>> = { runc: byClaim(runc) };

/** The runtime's name, from what `--version` says. */
export function runtimeName(version: string): string {
  return version.split(' ')[0] ?? version;
}

/** What a runtime is known to do instead of a claim, or undefined. */
export function knownDeviation(runtime: string, property: string, claim: string): string | undefined {
  return known[runtime]?.get(`${property}/${claim}`);
}
