/**
 * Containers as an OCI caller has them created, without the command: `create` of src/runtime, up to the gate where the process waits
 * for its start. All of its tree is made then, and what the kernel shows of it is read from outside. No program is needed.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from '../../src/kernel/call.ts';
import { AT_FDCWD } from '../../src/kernel/flags.ts';
import { readMountinfo, type Mount } from '../../src/kernel/mountinfo.ts';
import { must, perform } from '../../src/kernel/perform.ts';
import { createCgroup } from '../../src/runtime/cgroup/create.ts';
import type { Cgroup } from '../../src/runtime/cgroup/cgroup.ts';
import { detectCgroups } from '../../src/runtime/cgroup/detect.ts';
import { limit } from '../../src/runtime/cgroup/limits.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';
import { create } from '../../src/runtime/create.ts';
import { collectChild } from '../../src/runtime/launch-child.ts';
import type { LinuxSpec, MountSpec, NamespaceType, Spec } from '../../src/runtime/spec.ts';
import { apply, type Kernel } from '../../src/step/apply.ts';

/** What is asked of a container. */
export interface Wanted {
  readonly mounts?: readonly MountSpec[];
  readonly linux?: Partial<LinuxSpec>;
  readonly readonly?: boolean;
  readonly noPivot?: boolean;
  /** Kinds of namespaces that it shares with the host. */
  readonly shares?: readonly NamespaceType[];
  /** It has a cgroup of its own, with the limits of `linux.resources`. */
  readonly cgroup?: boolean;
  /** In place of the kernel itself. */
  readonly kernel?: Kernel;
}

/** A container that waits for its start. */
export interface Waiting {
  readonly pid: number;
  /** Where its root is seen from outside. */
  readonly root: string;
  readonly mounts: readonly Mount[];
  readonly cgroup: Cgroup;
  /** The topmost mount at a path. */
  readonly at: (path: string) => Mount | undefined;
}

/** A mount entry. */
export const mount = (destination: string, type: string, source: string, ...options: string[]): MountSpec => ({ destination, type, source, options });

export const procMount = mount('/proc', 'proc', 'proc');
export const devMount = mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'mode=755');

/** A bundle, and containers of it. Hold it by `await using`, or close it after the tests. */
export class CreatedBench {
  readonly directory = mkdtempSync(join(process.env['HAKO_TEST_DIRECTORY'] ?? tmpdir(), 'hako-created-'));
  readonly rootfs = join(this.directory, 'rootfs');
  #count = 0;

  constructor() {
    for (const path of ['', 'proc', 'dev', 'sys', 'data']) mkdirSync(join(this.rootfs, path), { recursive: true });
    writeFileSync(join(this.rootfs, 'program'), '', { mode: 0o755 });
  }

  /** Makes a directory beside the root, with files. @returns its path */
  tree(name: string, files: Readonly<Record<string, string>> = {}): string {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true });
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(path, file, '..'), { recursive: true });
      writeFileSync(join(path, file), text);
    }
    return path;
  }

  spec({ mounts = [], linux = {}, readonly = false, shares = [] }: Wanted): Spec {
    const kinds: readonly NamespaceType[] = ['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup'];
    return {
      ociVersion: '1.2.0',
      process: { cwd: '/', args: ['/program'], env: [], user: { uid: 0, gid: 0 } },
      root: { path: this.rootfs, readonly },
      mounts,
      linux: { namespaces: kinds.filter((type) => !shares.includes(type)).map((type) => ({ type })), cgroupsPath: '', ...linux },
    };
  }

  /** Creates a container, looks at it, and ends it. */
  async create<T>(wanted: Wanted, look: (waiting: Waiting) => T | Promise<T>): Promise<T> {
    const gatePath = join(this.directory, `gate-${++this.#count}`);
    must(call('mknodat', [AT_FDCWD, gatePath, 0o010600, 0]));
    const gate = openSync(gatePath, 'r+');
    let cgroup: Cgroup = { layout: detectCgroups(), path: `/hako-test-created-${process.pid}-${this.#count}`, hierarchies: [] };
    try {
      const created = await apply(
        create({
          id: 'created',
          owner: 'test',
          spec: this.spec(wanted),
          rootfs: this.rootfs,
          bundle: this.directory,
          noPivot: wanted.noPivot ?? false,
          *makeCgroup() {
            const { resources = {} } = wanted.linux ?? {};
            if (wanted.cgroup) cgroup = yield* createCgroup(cgroup.layout, cgroup.path, resources);
            return { cgroup, warnings: wanted.cgroup ? yield* limit(cgroup, resources) : [] };
          },
          gate,
          preserveFds: 0,
        }),
        { kernel: wanted.kernel ?? { call: perform } },
      );
      const { pid } = created.process;
      try {
        const mounts = readMountinfo(pid);
        return await look({ pid, root: `/proc/${pid}/root`, mounts, cgroup, at: (path) => mounts.findLast(({ mountPoint }) => mountPoint === path) });
      } finally {
        process.kill(pid, 'SIGKILL');
        collectChild(pid);
      }
    } finally {
      closeSync(gate);
      if (wanted.cgroup) await apply(removeCgroup(cgroup), { kernel: { call: perform } });
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
