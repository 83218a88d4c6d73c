/**
 * What a claim works with: the runtime, bundles to give it, and an end at which nothing is left. Each claim has a bench of its
 * own, with a state directory and a parent cgroup of its own, so claims do not meet.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectories, processesOf, removeCgroups } from './cgroups.ts';
import { type Asked, configOf } from './config.ts';
import { Container } from './container.ts';
import { parseMounts, until } from './proc.ts';
import { makeRootfs } from './rootfs.ts';
import { type CallOptions, type Outcome, Runtime } from './runtime.ts';

/** A bundle on the disk. */
export interface Bundle {
  readonly id: string;
  readonly directory: string;
  readonly rootfs: string;
  readonly cgroupsPath: string;
}

let benches = 0;

/** Hold it by `await using`. */
export class Bench {
  readonly directory: string;
  readonly runtime: Runtime;
  /** The cgroup below which the containers' are. */
  readonly cgroup: string;
  readonly #number = ++benches;
  readonly #busybox: string;
  readonly #ids: string[] = [];
  #count = 0;

  /** @param place where busybox is, and directories may be made */
  constructor(runtimePath: string, place: string) {
    this.directory = mkdtempSync(join(place, 'claim-'));
    chmodSync(this.directory, 0o711); // a user of a user namespace must get to the bundle
    this.cgroup = `/hako-test-conformance-${process.pid}-${this.#number}`;
    this.#busybox = join(place, 'busybox');
    this.runtime = new Runtime(runtimePath, join(this.directory, 'root'));
  }

  /** Makes a bundle. */
  bundle(asked: Asked = {}): Bundle {
    const id = `conformance-${process.pid}-${this.#number}-${++this.#count}`;
    const directory = join(this.directory, `bundle-${this.#count}`);
    const rootfs = join(directory, 'rootfs');
    const cgroupsPath = `${this.cgroup}/${id}`;
    mkdirSync(directory);
    makeRootfs(rootfs, this.#busybox);
    asked.prepare?.(rootfs, directory);
    writeFileSync(join(directory, 'config.json'), JSON.stringify(configOf(asked, cgroupsPath, directory), undefined, 2));
    this.#ids.push(id);
    return { id, directory, rootfs, cgroupsPath };
  }

  /** Changes the text of a bundle's config.json, for what JavaScript's JSON cannot say. */
  edit(bundle: Bundle, change: (text: string) => string): void {
    const file = join(bundle.directory, 'config.json');
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  }

  /** Runs a container to its end. */
  run(asked: Asked | Bundle, options?: CallOptions): Promise<Outcome> {
    const { id, directory } = this.#bundleOf(asked);
    return this.runtime.call(['run', '--bundle', directory, id], options);
  }

  /** Runs a container that must succeed. @returns what it wrote */
  async report(asked: Asked | Bundle, options?: CallOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(asked, options);
    assert.equal(code, 0, `run exits with ${code}: ${stderr.trim() || stdout.trim()}`);
    return stdout.trimEnd();
  }

  /** Creates a container, which must succeed. */
  async create(asked: Asked | Bundle, flags: readonly string[] = [], options?: CallOptions): Promise<Container> {
    const bundle = this.#bundleOf(asked);
    const call = this.runtime.begin(['create', '--bundle', bundle.directory, '--pid-file', join(bundle.directory, 'pid'), ...flags, bundle.id], options);
    const code = await call.exited;
    if (code !== 0) await call.closed;
    assert.equal(code, 0, `create exits with ${code}: ${call.stderr.trim()}`);
    return new Container(this.runtime, bundle, call, Number(readFileSync(join(bundle.directory, 'pid'), 'utf8')));
  }

  /** Creates and starts a container. */
  async start(asked: Asked | Bundle, flags?: readonly string[], options?: CallOptions): Promise<Container> {
    const container = await this.create(asked, flags, options);
    await container.must('start');
    return container;
  }

  /**
   * Asks for a container that must not come to be: create fails, or else start does; and then there is no container, no process
   * and no cgroup.
   * @returns the error
   */
  async refused(asked: Asked | Bundle, flags: readonly string[] = []): Promise<string> {
    const bundle = this.#bundleOf(asked);
    const call = this.runtime.begin(['create', '--bundle', bundle.directory, ...flags, bundle.id]);
    const code = await call.exited;
    assert.notEqual(code, 0, 'create succeeds');
    await call.closed;
    assert.notEqual(call.stderr.trim(), '', 'create fails without a word');
    await this.absent(bundle);
    return call.stderr.trim();
  }

  /** Checks that of a container nothing is there. */
  async absent(bundle: Bundle): Promise<void> {
    const { code, stdout } = await this.runtime.call(['state', bundle.id]);
    assert.notEqual(code, 0, `there is a container after all: ${stdout}`);
    assert.deepEqual(cgroupDirectories(bundle.cgroupsPath), [], 'its cgroup is left');
  }

  #bundleOf(asked: Asked | Bundle): Bundle {
    return 'directory' in asked ? asked : this.bundle(asked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ids.map((id) => this.runtime.call(['delete', '--force', id])));
    for (const pid of processesOf(this.cgroup)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
    await until('the container’s processes have ended', () => processesOf(this.cgroup).length === 0);
    removeCgroups(this.cgroup);
    for (const { target } of parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')).reverse()) {
      if (target.startsWith(`${this.directory}/`)) execFileSync('umount', ['--lazy', target]);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
