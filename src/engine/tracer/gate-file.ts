/**
 * Who refused a call that names a file: permission bits on the way or of the file, ownership, a read-only, noexec or nodev mount,
 * the device filter of the cgroup, an attribute of the file, or that there is no such file. See path_resolution(7), mount(8).
 */
import { isDirectory, S_IFBLK, S_IFCHR, S_IFMT, S_IFREG, fileAttributes } from '../../kernel/file-at.ts';
import type { Mount } from '../../kernel/mountinfo.ts';
import { listEntries } from '../../runtime/cgroup/devices.ts';
import type { DeviceRule } from '../../runtime/spec.ts';
import { lackedGate } from './gate-capability.ts';
import { programGates } from './gate-program.ts';
import { gate, type JudgedGate, type RefusedCall } from './refused-call.ts';
import { setting, type TracedThread } from './thread.ts';
import { R, W, X, type FileUse } from './calls.ts';
import { grantedBits, isDenied, overridingCapability, walk, type Place, type Walk } from './walk.ts';

/** Every gate that a use of a file meets, of those that would refuse it. */
export function fileGates(call: RefusedCall, use: FileUse): JudgedGate[] {
  const { thread } = call;
  const way = walk(thread, use.at, use.path, use.follow);
  const { final, parent } = way;
  const gates: JudgedGate[] = [];
  if (way.denied) gates.push(permissionGate(call, way.denied, X));
  if (way.notDirectory)
    gates.push(
      gate('missing', ['ENOTDIR'], { path: way.notDirectory.path, wanted: use.path ?? '', why: 'not-directory' }, [
        `${way.notDirectory.path} ${modeText(way.notDirectory)}`,
      ]),
    );
  if (way.missing && !(use.makes && way.missing.path.endsWith(`/${lastName(use.path)}`))) gates.push(missingGate(call, way));
  // The kernel looks at what it is, and at its mount, before its permission bits.
  if (final && use.executes) gates.push(...executeGates(call, final));
  if (final && use.needs !== 0 && isDenied(thread, final, use.needs)) gates.push(permissionGate(call, final, use.needs));
  const makesName = use.changesName || (use.makes && !final);
  if (makesName && parent && isDenied(thread, parent, W | X)) gates.push(permissionGate(call, parent, W));
  gates.push(...ownerGates(call, use, way));
  const touched = final && !makesName ? final : (parent ?? final);
  if ((use.writes || makesName) && touched) gates.push(...readOnlyGates(call, touched), ...attributeGates(touched, use, final));
  if (makesName && parent) gates.push(...kernelFileGates(call, parent));
  if (final && use.opens) gates.push(...deviceGates(call, final, use.needs), ...protectedGates(thread, final, parent, use));
  if (call.name.startsWith('mknod')) gates.push(...makeDeviceGates(call));
  return gates;
}

const lastName = (path = ''): string => path.replace(/\/+$/, '').split('/').at(-1) ?? '';
const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');
const modeText = ({ status }: Place): string => `has mode ${octal(status.mode)}, owner ${status.uid}, group ${status.gid}`;
const bitWords = (bits: number, directory: boolean): string =>
  [
    [R, directory ? 'list' : 'read'],
    [W, directory ? 'change' : 'write'],
    [X, directory ? 'search' : 'execute'],
  ]
    .filter(([bit]) => (bits & (bit as number)) !== 0)
    .map(([, word]) => word)
    .join('+');

function permissionGate({ thread, context }: RefusedCall, place: Place, wanted: number): JudgedGate {
  const { uid, gid, groups } = thread.credentials;
  const granted = grantedBits(thread, place);
  const lacked = wanted & ~granted.bits;
  const capability = overridingCapability(place, wanted);
  const known = thread.knowsIds(place.status.uid, place.status.gid);
  const directory = isDirectory(place.status);
  const nobodyExecutes = !directory && (wanted & X) !== 0 && (place.status.mode & 0o111) === 0;
  const mount = mountOf(thread, place);
  const bind = context.mounts.find((m) => m.destination === mount?.mountPoint);
  return gate(
    'permission',
    ['EACCES'],
    {
      path: place.path,
      needs: bitWords(lacked, directory),
      mode: octal(place.status.mode),
      owner: `${place.status.uid}:${place.status.gid}`,
      as: granted.as,
      uid,
      gid,
      groups: groups.join(',') || 'none',
      capability,
      known: known ? 'yes' : 'no',
      ...(nobodyExecutes ? { nobody: 'yes' } : {}),
      ...(bind ? { mount: bind.destination, source: bind.source } : {}),
    },
    [
      `${place.path} ${modeText(place)}${place.acl ? ', and an ACL' : ''}`,
      `/proc/${thread.tid}/status: Uid: ${thread.field('Uid').replaceAll('\t', ' ')} Gid: ${thread.field('Gid').replaceAll('\t', ' ')} Groups: ${thread.field('Groups')} CapEff: ${thread.field('CapEff')}`,
      `as ${granted.as} it has ${bitWords(granted.bits, directory) || 'nothing'}; asked for ${bitWords(wanted, directory)}`,
    ],
    nobodyExecutes ? {} : known ? (context.capabilities.includes(capability) ? { option: '--user 0' } : { option: `--cap-add ${capability.slice(4)}` }) : {},
  );
}

function missingGate({ context }: RefusedCall, { missing }: Walk): JudgedGate {
  const { path, in: directory } = missing!;
  return gate('missing', ['ENOENT'], { path, directory: directory.path, why: 'no-entry', container: context.name }, [
    `${directory.path} has no entry ${lastName(path)}`,
  ]);
}

/** Calls that only the owner may make, and removing from a directory with the sticky bit. */
function ownerGates(call: RefusedCall, use: FileUse, { final, parent }: Walk): JudgedGate[] {
  const { thread, args, name } = call;
  const { uid } = thread.credentials;
  if (use.owner && final) {
    const isOwner = final.status.uid === uid;
    if (use.owner === 'chown') return lackedFor(call, 'CAP_CHOWN', final, 'the owner, or a group that is not one of its own, is changed', 'chown(2)');
    const now = use.owner === 'times' && name === 'utimensat' && (args[2] ?? 0n) === 0n;
    if (!isOwner && !(now && !isDenied(thread, final, W)))
      return lackedFor(call, 'CAP_FOWNER', final, "the file is another user's", use.owner === 'mode' ? 'chmod(2)' : 'utimensat(2)');
  }
  const STICKY = 0o1000;
  if (use.changesName && final && parent && (parent.status.mode & STICKY) !== 0 && parent.status.uid !== uid && final.status.uid !== uid)
    return lackedFor(call, 'CAP_FOWNER', final, `the file is another user's and ${parent.path} has the sticky bit`, 'unlink(2)');
  return [];
}

function lackedFor(call: RefusedCall, capability: 'CAP_CHOWN' | 'CAP_FOWNER', place: Place, when: string, man: string): JudgedGate[] {
  const lacked = lackedGate(call, { capability, place: 'own', errno: 'EPERM', man, when });
  const evidence = `${place.path} ${modeText(place)}`;
  if (lacked) return [{ ...lacked, evidence: [evidence, ...lacked.evidence] }];
  const { uid, gid } = place.status;
  if (call.thread.knowsIds(uid, gid)) return [];
  return [
    gate(
      'permission',
      ['EPERM', 'EOVERFLOW'],
      {
        path: place.path,
        needs: 'own',
        mode: octal(place.status.mode),
        owner: `${uid}:${gid}`,
        as: 'other',
        uid: call.thread.credentials.uid,
        gid: call.thread.credentials.gid,
        groups: '',
        capability,
        known: 'no',
      },
      [evidence],
    ),
  ];
}

const mountOf = (thread: TracedThread, place: Place): Mount | undefined => thread.mounts.find((mount) => mount.id === place.mount);

function readOnlyGates(call: RefusedCall, place: Place): JudgedGate[] {
  const { thread, context } = call;
  const mount = mountOf(thread, place);
  // The kernel's own files know no writing of names, but a device or FIFO may be written to wherever it lies.
  const special = ![S_IFREG, 0o040000, 0o120000].includes(place.status.mode & S_IFMT);
  if (!mount || special) return [];
  const ofMount = mount.options.includes('ro');
  if (!ofMount && !mount.superOptions.includes('ro')) return [];
  const { mountPoint } = mount;
  const point = context.mounts.find((m) => m.destination === mountPoint);
  const why =
    point && !point.writable
      ? 'volume'
      : mountPoint === '/'
        ? 'root'
        : /^\/(proc|sys)(\/|$)/.test(mountPoint)
          ? 'kernel'
          : context.readOnlyRoot
            ? 'generated'
            : 'other';
  const option =
    why === 'volume'
      ? `--volume ${point!.source}:${mountPoint}:rw`
      : why === 'root' || why === 'generated'
        ? undefined
        : why === 'kernel'
          ? '--security-opt systempaths=unconfined'
          : undefined;
  return [
    gate(
      'read-only',
      ['EROFS'],
      {
        path: place.path,
        mount: mountPoint,
        type: mount.type,
        of: ofMount ? 'mount' : 'file system',
        why: why === 'root' && !context.readOnlyRoot ? 'other' : why,
        source: point?.source ?? mount.source,
      },
      [`/proc/${thread.tid}/mountinfo: ${mount.id} ${mountPoint} ${mount.options.join(',')} - ${mount.type} ${mount.superOptions.join(',').slice(0, 60)}`],
      { option: mountPoint.startsWith('/sys') && why === 'kernel' ? '--privileged' : option },
    ),
  ];
}

/** File systems whose directories show objects of the kernel: no call makes a name there. (A cgroup is made by mkdir.) */
function kernelFileGates(call: RefusedCall, directory: Place): JudgedGate[] {
  const mount = mountOf(call.thread, directory);
  if (!mount || !['proc', 'sysfs'].includes(mount.type)) return [];
  const line = `/proc/${call.thread.tid}/mountinfo: ${mount.id} ${mount.mountPoint} - ${mount.type}`;
  return [gate('kernel-files', ['ENOENT', 'EPERM', 'EACCES'], { path: directory.path, mount: mount.mountPoint, type: mount.type }, [line])];
}

function attributeGates(touched: Place, use: FileUse, final: Place | undefined): JudgedGate[] {
  const { STATX_ATTR_IMMUTABLE, STATX_ATTR_APPEND } = fileAttributes;
  return [touched, ...(final && final !== touched ? [final] : [])].flatMap((place) => {
    const immutable = (place.status.attributes & STATX_ATTR_IMMUTABLE) !== 0;
    const append = (place.status.attributes & STATX_ATTR_APPEND) !== 0;
    if (!immutable && !(append && (use.changesName || use.owner !== undefined || use.writes))) return [];
    return [
      gate('immutable', ['EPERM'], { path: place.path, attribute: immutable ? 'immutable' : 'append-only' }, [
        `statx of ${place.path}: ${immutable ? 'STATX_ATTR_IMMUTABLE' : 'STATX_ATTR_APPEND'}`,
      ]),
    ];
  });
}

/** The last rule about a device that speaks of an access decides; what none allows is denied. See src/runtime/cgroup/devices.ts. */
function decidingRule(rules: readonly DeviceRule[], type: 'c' | 'b', major: number, minor: number, access: string): DeviceRule | undefined {
  const any = (n: number | undefined): boolean => n === undefined || n < 0;
  return rules.findLast(
    (rule) =>
      ((rule.type ?? 'a') === 'a' || rule.type === type) &&
      (any(rule.major) || rule.major === major) &&
      (any(rule.minor) || rule.minor === minor) &&
      (rule.access ?? 'rwm').includes(access),
  );
}

function deviceGate({ context }: RefusedCall, path: string, type: 'c' | 'b', major: number, minor: number, access: readonly string[]): JudgedGate[] {
  if (context.deviceRules.length === 0) return [];
  for (const letter of access) {
    const rule = decidingRule(context.deviceRules, type, major, minor, letter);
    if (rule?.allow) continue;
    const text = rule ? `deny ${listEntries(rule).join(', ')}` : 'no rule allows it';
    return [
      gate(
        'device',
        ['EPERM'],
        { path, device: `${type} ${major}:${minor}`, access: letter, rule: text },
        [
          `${path} is ${type === 'c' ? 'character' : 'block'} device ${major}:${minor}`,
          `of the container's ${context.deviceRules.length} device rules the last about ${type} ${major}:${minor} ${letter} is: ${text}`,
          ...(context.cgroup.unified ? [`cgroup ${context.cgroup.unified}`] : []),
        ],
        { option: `--device ${path}` },
      ),
    ];
  }
  return [];
}

function deviceGates(call: RefusedCall, final: Place, needs: number): JudgedGate[] {
  const type = final.status.mode & S_IFMT;
  if (type !== S_IFCHR && type !== S_IFBLK) return [];
  const mount = mountOf(call.thread, final);
  const nodev = mount?.options.includes('nodev')
    ? [
        gate('no-devices', ['EACCES'], { path: final.path, mount: mount.mountPoint }, [
          `/proc/${call.thread.tid}/mountinfo: ${mount.mountPoint} ${mount.options.join(',')}`,
        ]),
      ]
    : [];
  const access = [...(needs & R ? ['r'] : []), ...(needs & W ? ['w'] : [])];
  return [...nodev, ...deviceGate(call, final.path, type === S_IFCHR ? 'c' : 'b', final.status.major, final.status.minor, access)];
}

function makeDeviceGates(call: RefusedCall): JudgedGate[] {
  const at = call.name === 'mknodat' ? 1 : 0;
  const type = Number(call.args[at + 1] ?? 0n) & S_IFMT;
  if (type !== S_IFCHR && type !== S_IFBLK) return [];
  const device = Number(call.args[at + 2] ?? 0n);
  const [major, minor] = [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
  const gates = deviceGate(call, call.thread.string(call.args[at] ?? 0n) ?? '', type === S_IFCHR ? 'c' : 'b', major, minor, ['m']);
  const lacked = lackedGate(call, { capability: 'CAP_MKNOD', place: 'initial', errno: 'EPERM', man: 'mknod(2)', when: 'a device node is made' });
  return lacked ? [lacked, ...gates] : gates;
}

/** fs.protected_regular and its like: in a sticky directory that others may write to, O_CREAT does not open another's file. */
function protectedGates(thread: TracedThread, final: Place, parent: Place | undefined, use: FileUse): JudgedGate[] {
  if (!use.makes || !parent || (parent.status.mode & 0o1002) !== 0o1002) return [];
  const { uid } = thread.credentials;
  const name = (final.status.mode & S_IFMT) === 0o010000 ? 'fs.protected_fifos' : 'fs.protected_regular';
  if (final.status.uid === uid || final.status.uid === parent.status.uid || Number(setting(name) ?? 0) === 0) return [];
  return [
    gate('protected-link', ['EACCES'], { path: final.path, setting: name, directory: parent.path }, [
      `${name} = ${setting(name)}`,
      `${parent.path} ${modeText(parent)}`,
      `${final.path} ${modeText(final)}`,
    ]),
  ];
}

function executeGates(call: RefusedCall, final: Place): JudgedGate[] {
  const mount = mountOf(call.thread, final);
  const noexec = mount?.options.includes('noexec')
    ? [
        gate(
          'no-exec',
          ['EACCES'],
          { path: final.path, mount: mount.mountPoint, type: mount.type },
          [`/proc/${call.thread.tid}/mountinfo: ${mount.mountPoint} ${mount.options.join(',')}`],
          mount.type === 'tmpfs' ? { option: `--tmpfs ${mount.mountPoint}:exec` } : {},
        ),
      ]
    : [];
  if (isDirectory(final.status))
    return [gate('not-a-program', ['EACCES'], { path: final.path, why: 'directory' }, [`${final.path} is a directory`]), ...noexec];
  return [...noexec, ...programGates(call, final)];
}
