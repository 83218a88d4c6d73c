/** The containers of hako-oci as targets: bundles whose configuration is what the engine would give its own runtime. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSpec } from '../../src/engine/spec/build.ts';
import { formatJson, parseJson } from '../../src/oci/config/json.ts';
import type { Spec } from '../../src/runtime/spec.ts';
import { removeCgroups } from '../conformance/suite/cgroups.ts';
import { Runtime, type CallOptions } from '../conformance/suite/runtime.ts';
import type { TarEntry } from '../support/tar.ts';
import type { Asked, Outcome, Program, Session, Target } from './targets.ts';

const repository = join(import.meta.dirname, '../..');
const entry = process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako-oci.js' : 'src/oci/main.ts';

/** The machine's programs. */
const programs = ['usr', 'usr/bin:bin', 'usr/sbin:sbin', 'usr/lib:lib', 'usr/lib64:lib64'].map((pair) => {
  const [source, destination = source] = pair.split(':');
  return { destination: `/${destination}`, type: 'bind', source: `/${source}`, options: ['rbind', 'ro'] };
});

/** Whom root of a user namespace is here, as the engine has it: places of mounts are to be made by it. */
const mappedRoot = 100_000;

/** A bundle on the disk. */
export interface Bundle {
  readonly id: string;
  readonly directory: string;
  readonly rootfs: string;
}

/** A running container that is held: also by the process id that it has here. */
export interface HeldContainer extends Session {
  readonly pid: number;
  readonly bundle: Bundle;
}

/** A root directory of hako-oci's, and bundles. Hold it by `await using`, or close it. */
export class OciBench implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'hako-test-oci-security-'));
  readonly runtime: Runtime;
  readonly cgroup = `/hako-test-security-${process.pid}`;
  #count = 0;

  constructor() {
    const launcher = join(this.directory, 'hako-oci');
    writeFileSync(launcher, `#!/bin/sh\nexec ${process.execPath} ${join(repository, entry)} "$@"\n`, { mode: 0o755 });
    this.runtime = new Runtime(launcher, join(this.directory, 'state'));
    // Programs of containers in user namespaces have to come by.
    chmodSync(this.directory, 0o711);
  }

  /** Makes a bundle. @param change makes it another configuration than the engine's */
  bundle(asked: Asked, program: Program, command: readonly string[], change: (spec: Spec) => object = (spec) => spec): Bundle {
    const id = `security-${process.pid}-${++this.#count}`;
    const directory = join(this.directory, id);
    const rootfs = join(directory, 'rootfs');
    makeRoot(rootfs, asked.image);
    if (asked.userNamespace) chownSync(rootfs, mappedRoot, mappedRoot);
    writeFileSync(join(directory, 'config.json'), formatJson(change(this.#spec(asked, program, command, id, directory))));
    return { id, directory, rootfs };
  }

  #spec(asked: Asked, program: Program, command: readonly string[], id: string, directory: string): Spec {
    const files = { hosts: join(directory, 'hosts'), hostname: join(directory, 'hostname'), resolvConf: join(directory, 'resolv.conf') };
    for (const path of Object.values(files)) writeFileSync(path, '');
    const [uid = 0, gid = 0] = (program.user ?? '0:0').split(':').map(Number);
    const { spec } = buildSpec({
      id,
      config: { Hostname: 'attacked', Env: ['PATH=/usr/bin:/bin'], Cmd: [...command], WorkingDir: program.cwd ?? '/', Tty: program.terminal ?? false },
      hostConfig: {
        NetworkMode: asked.hostNetwork ? 'host' : 'none',
        CapAdd: [...(asked.capabilities ?? [])],
        SecurityOpt: asked.unfiltered ? ['seccomp=unconfined'] : [],
        ...(asked.userNamespace ? { UsernsMode: 'private' } : {}),
        ReadonlyRootfs: asked.readonlyRoot ?? false,
        Sysctls: { ...asked.sysctl },
        ...(asked.oomScoreAdj === undefined ? {} : { OomScoreAdj: asked.oomScoreAdj }),
        ...(asked.pids === undefined ? {} : { PidsLimit: asked.pids }),
        ...(asked.memory === undefined ? {} : { Memory: asked.memory, MemorySwap: asked.memory }),
      },
      user: { uid, gid, additionalGids: [...(program.user === undefined ? [0] : [gid]), ...(asked.groups ?? [])], home: '/' },
      files,
      mounts: [],
      joined: {},
      cgroupsPath: `${this.cgroup}/${id}`,
    });
    const volumes = (asked.volumes ?? []).map(([source, destination]) => ({ destination, type: 'bind', source, options: ['rbind'] }));
    const pid = asked.neighbour && (asked.neighbour as HeldContainer).pid;
    const namespaces = spec.linux.namespaces.map((namespace) =>
      namespace.type === 'pid' && pid !== undefined ? { type: 'pid' as const, path: `/proc/${pid}/ns/pid` } : namespace,
    );
    return { ...spec, mounts: [...spec.mounts, ...programs, ...volumes], linux: { ...spec.linux, namespaces } };
  }

  /** Runs a bundle's container to its end. */
  run({ id, directory }: Bundle, flags: readonly string[] = [], options?: CallOptions): Promise<Outcome> {
    return this.runtime.call(['run', ...flags, '--bundle', directory, id], options);
  }

  /** Creates a container and starts it: it goes on until it is disposed of. */
  async hold(asked: Asked, change?: (spec: Spec) => object, flags: readonly string[] = []): Promise<HeldContainer> {
    const bundle = this.bundle(asked, {}, ['/usr/bin/sleep', '1000'], change);
    return this.start(bundle, flags);
  }

  /** Creates and starts the container of a bundle. */
  async start(bundle: Bundle, flags: readonly string[] = []): Promise<HeldContainer> {
    await this.create(bundle, flags);
    await this.must('start', bundle.id);
    return {
      id: bundle.id,
      bundle,
      pid: Number(readFileSync(join(bundle.directory, 'pid'), 'utf8')),
      run: (program, ...command) => this.exec(bundle.id, program, ...command),
      [Symbol.asyncDispose]: () => this.remove(bundle.id),
    };
  }

  /** Creates the container of a bundle. @throws Error with what was said */
  async create({ id, directory }: Bundle, flags: readonly string[] = []): Promise<void> {
    const call = this.runtime.begin(['create', ...flags, '--bundle', directory, '--pid-file', join(directory, 'pid'), id]);
    if ((await call.exited) === 0) return;
    await call.closed;
    throw new Error(call.stderr);
  }

  exec(id: string, { user, cwd, terminal }: Program, ...command: readonly string[]): Promise<Outcome> {
    const flags = [...(user === undefined ? [] : ['--user', user]), ...(cwd === undefined ? [] : ['--cwd', cwd]), ...(terminal ? ['--tty'] : [])];
    return this.runtime.call(['exec', ...flags, id, ...command]);
  }

  /** Makes a call that must succeed. @returns what it wrote */
  async must(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.runtime.call(words);
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
    return stdout;
  }

  async remove(id: string): Promise<void> {
    await this.must('delete', '--force', id);
  }

  /** Changes a container's state.json. */
  changeState(id: string, change: (record: Record<string, unknown>) => void): void {
    const path = join(this.runtime.root, id, 'state.json');
    const record = parseJson(readFileSync(path, 'utf8'), path) as Record<string, unknown>;
    change(record);
    writeFileSync(path, formatJson(record));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const left = (await this.must('list', '--quiet')).split('\n').filter(Boolean);
    for (const id of left) await this.remove(id);
    removeCgroups(this.cgroup);
    rmSync(this.directory, { recursive: true, force: true });
    assert.deepEqual(left, [], 'a container is left');
  }
}

/** Puts what an image holds below a directory. */
function makeRoot(rootfs: string, image: readonly TarEntry[] = []): void {
  mkdirSync(join(rootfs, 'tmp'), { recursive: true });
  chmodSync(join(rootfs, 'tmp'), 0o1777);
  for (const { name, type, contents = '', mode = 0o644, linkname = '' } of image) {
    const path = join(rootfs, name);
    mkdirSync(dirname(path), { recursive: true });
    if (type === '5') mkdirSync(path, { recursive: true });
    else if (type === '2') symlinkSync(linkname, path);
    else writeFileSync(path, contents, { mode });
  }
}

/** `oci run` and `oci exec`. */
export function ociTargets(bench: OciBench): readonly Target[] {
  const hold = (asked: Asked): Promise<Session> => bench.hold(asked);
  const run = (asked: Asked, program: Program, command: readonly string[]): Promise<Outcome> => bench.run(bench.bundle(asked, program, command));
  return [
    {
      name: 'oci run',
      oci: bench,
      open: (asked) => Promise.resolve({ id: '', run: (program, ...command) => run(asked, program, command), [Symbol.asyncDispose]: () => Promise.resolve() }),
      hold,
      newcomer: (held) => run({ neighbour: held }, {}, ['/usr/bin/true']),
    },
    { name: 'oci exec', oci: bench, open: hold, hold, newcomer: (held) => held.run({}, '/usr/bin/true') },
  ];
}
