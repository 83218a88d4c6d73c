/**
 * A traced thread while it is stopped: what the kernel shows of it, read when it is asked for. Ids are the host's, as /proc and
 * statx(2) show them to us, so that a file's owner and a process's user are of one kind. See proc(5), ioctl_ns(2).
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { capabilityNumber, parseCapabilityMasks } from '../../kernel/capability.ts';
import type { CapabilityPlace } from '../../kernel/capability-needs.ts';
import { closeFd } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import { performNow } from '../../kernel/perform.ts';
import { readIdMaps } from '../../runtime/id-map.ts';
import { statusField, tryLink, tryRead } from '../process-files.ts';

/** Who the kernel takes a thread for when it asks for a file. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly effective: bigint;
}

/** Where a capability is asked for, and whether it is there. */
export interface Holding {
  readonly has: boolean;
  /** The thread has it in its own user namespace. */
  readonly own: boolean;
  /** The user namespace that counts: `user:[4026531837]`. */
  readonly namespace: string;
  /** The thread's own. */
  readonly ownNamespace: string;
}

const longestString = 4096;

export class TracedThread {
  readonly tid: number;
  #status: string | undefined;
  #mounts: readonly Mount[] | undefined;

  constructor(tid: number) {
    this.tid = tid;
  }

  /** Text of its status file. */
  get status(): string {
    return (this.#status ??= tryRead(`/proc/${this.tid}/status`) ?? '');
  }

  field(name: string): string {
    return statusField(this.status, name);
  }

  /** Text of its limits file. */
  get limits(): string {
    return tryRead(`/proc/${this.tid}/limits`) ?? '';
  }

  get program(): string {
    return tryRead(`/proc/${this.tid}/comm`)?.trim() ?? '';
  }

  /** Its process's id in the innermost PID namespace: what it calls itself. */
  get ownPid(): string {
    return this.field('NStgid').split(/\s+/).at(-1) ?? '';
  }

  /** Its own id there. */
  get ownTid(): string {
    return this.field('NSpid').split(/\s+/).at(-1) ?? '';
  }

  get credentials(): Credentials {
    const numbers = (name: string): number[] => this.field(name).split(/\s+/).filter(Boolean).map(Number);
    // Real, effective, saved, and that for files.
    return {
      uid: numbers('Uid')[3] ?? 0,
      gid: numbers('Gid')[3] ?? 0,
      groups: numbers('Groups'),
      effective: parseCapabilityMasks(this.status).effective,
    };
  }

  /** Whether a host's user and group id are both known in its user namespace: only then do its capabilities count for the file. */
  knowsIds(uid: number, gid: number): boolean {
    const { uidMappings, gidMappings } = readIdMaps(this.tid);
    const has = (maps: typeof uidMappings, id: number): boolean => maps.some((m) => id >= m.hostID && id < m.hostID + m.size);
    return has(uidMappings, uid) && has(gidMappings, gid);
  }

  get mounts(): readonly Mount[] {
    return (this.#mounts ??= readMountinfo(this.tid));
  }

  /** Opens its root, working directory or one of its descriptors, as a place (O_PATH). @returns a descriptor or a negative errno */
  openPlace(what: 'root' | 'cwd' | `fd/${number}`): number {
    return performNow(call('openat', [AT_FDCWD, `/proc/${this.tid}/${what}`, openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
  }

  /** Reads its memory; shorter where that ends. */
  bytes(address: bigint, length: number): Buffer {
    const buffer = Buffer.alloc(length);
    let fd: number | undefined;
    let read = 0;
    try {
      fd = openSync(`/proc/${this.tid}/mem`, 'r');
      // A page at a time: what lies behind a string's page may not be mapped.
      while (read < length) {
        const at = address + BigInt(read);
        const room = Math.min(length - read, 4096 - Number(at % 4096n));
        const got = readSync(fd, buffer, read, room, at);
        if (got <= 0) break;
        read += got;
      }
    } catch {
      // What was read until there stays.
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    return buffer.subarray(0, read);
  }

  /** A string that ends with NUL; undefined where there is none. */
  string(address: bigint): string | undefined {
    if (address === 0n) return undefined;
    for (let length = 256; length <= longestString; length *= 16) {
      const bytes = this.bytes(address, length);
      const end = bytes.indexOf(0);
      if (end >= 0) return bytes.toString('utf8', 0, end);
    }
    return undefined;
  }

  /** Whether it has a capability where that is asked for. @param target a descriptor of the namespace, or process id, for `target` */
  holding(name: string, place: CapabilityPlace, target?: string): Holding {
    const ownNamespace = tryLink(`/proc/${this.tid}/ns/user`) ?? '';
    const namespace = this.#namespaceOf(place, target) ?? ownNamespace;
    const own = ((this.credentials.effective >> BigInt(capabilityNumber(name) ?? 0)) & 1n) === 1n;
    return { has: own && namespace === ownNamespace, own, namespace, ownNamespace };
  }

  #namespaceOf(place: CapabilityPlace, target?: string): string | undefined {
    switch (place) {
      case 'own':
        return undefined;
      case 'initial':
        return tryLink('/proc/self/ns/user');
      case 'target':
        return target === undefined ? undefined : target.startsWith('/proc/') && target.endsWith('/ns/user') ? tryLink(target) : ownerOf(target);
      default:
        return ownerOf(`/proc/${this.tid}/ns/${place}`);
    }
  }
}

const NS_GET_USERNS = 0xb701;

/** The user namespace that owns a namespace. */
function ownerOf(path: string): string | undefined {
  const fd = performNow(call('openat', [AT_FDCWD, path, openFlags.O_CLOEXEC, 0]));
  if (fd < 0) return undefined;
  const owner = performNow(call('ioctl', [fd, NS_GET_USERNS, null]));
  closeFd(fd);
  if (owner < 0) return undefined;
  const name = tryLink(`/proc/self/fd/${owner}`);
  closeFd(owner);
  return name;
}

/** A process in the same PID namespace as a thread, by the number that the thread uses for it; undefined where there is none. */
export function processCalled(thread: TracedThread, number: number, pids: readonly number[]): number | undefined {
  const namespace = tryLink(`/proc/${thread.tid}/ns/pid`);
  return pids.find((pid) => {
    if (tryLink(`/proc/${pid}/ns/pid`) !== namespace) return false;
    const status = tryRead(`/proc/${pid}/status`) ?? '';
    return Number(statusField(status, 'NSpid').split(/\s+/).at(-1)) === number;
  });
}

/** A setting of the kernel by its sysctl(8) name, as this process sees it; undefined where there is none. */
export const setting = (name: string): string | undefined => {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined;
  }
};
