/**
 * The four ways in which a hostile program comes into a container, as one: by the engine and by hako-oci, as its first process and as
 * a further one. An attack is written once, and tried by each.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TarEntry } from '../support/tar.ts';
import type { TargetName } from './checklist.ts';
import type { OciBench } from './oci-targets.ts';

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A container, before a program comes into it. */
export interface Asked {
  /** What the image holds; the machine's /usr is there in any case. */
  readonly image?: readonly TarEntry[];
  /** Capabilities beside Docker's default ones: `SYS_PTRACE`. */
  readonly capabilities?: readonly string[];
  /** Supplementary groups of its programs. */
  readonly groups?: readonly number[];
  /** It is under no system call filter. */
  readonly unfiltered?: boolean;
  /** In a user namespace, with ids that nobody has. */
  readonly userNamespace?: boolean;
  /** It shares the host's network. */
  readonly hostNetwork?: boolean;
  readonly readonlyRoot?: boolean;
  /** Directories of the host's, and where they are mounted. */
  readonly volumes?: readonly (readonly [source: string, destination: string])[];
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly oomScoreAdj?: number;
  /** The most processes. */
  readonly pids?: number;
  /** The most memory, in bytes. */
  readonly memory?: number;
  /** Whose processes it sees: it joins the PID namespace of another container. */
  readonly neighbour?: Session;
}

/** A program, and as whom and where it begins. */
export interface Program {
  readonly user?: string;
  readonly cwd?: string;
  readonly terminal?: boolean;
}

/** A container into which programs come one after the other: into the same by exec, into one made alike each time by run. */
export interface Session extends AsyncDisposable {
  run(program: Program, ...command: readonly string[]): Promise<Outcome>;
  /** Of a container that goes on: what its PID namespace is found by. */
  readonly id: string;
}

/** One of the four. */
export interface Target {
  readonly name: TargetName;
  /** Begins a session. */
  open(asked: Asked): Promise<Session>;
  /** A container that goes on, with further programs by exec: a neighbour, or a spy. */
  hold(asked: Asked): Promise<Session>;
  /** Brings a program in among those whom a held container sees: as a neighbour's first process, or by exec. */
  newcomer(held: Session): Promise<Outcome>;
  /** Of hako-oci: for attacks on its commands and files. */
  readonly oci?: OciBench;
}

/** Runs one program to its end in a session of its own. */
export async function attempt(target: Target, asked: Asked, program: Program, ...command: readonly string[]): Promise<Outcome> {
  let session: Session;
  try {
    session = await target.open(asked);
  } catch (error) {
    // The container in which it would have been was refused.
    return { code: 125, stdout: '', stderr: error instanceof Error ? error.message : String(error) };
  }
  try {
    return await session.run(program, ...command);
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

/** A directory of the host's that no container has any business in. */
export class HostDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'hako-test-host-'));
  readonly #contents: Readonly<Record<string, string>>;

  constructor(contents: Readonly<Record<string, string>> = {}) {
    this.#contents = { secret: 'the host’s', ...contents };
    for (const [name, text] of Object.entries(this.#contents)) {
      mkdirSync(join(this.path, name, '..'), { recursive: true });
      writeFileSync(join(this.path, name), text);
    }
  }

  /** Asserts that all is as it was. */
  unchanged(): void {
    const names = readdirSync(this.path, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [] : [join(entry.parentPath, entry.name).slice(this.path.length + 1)],
    );
    assert.deepEqual(names.toSorted(), Object.keys(this.#contents).toSorted(), 'files of the host');
    for (const [name, text] of Object.entries(this.#contents)) assert.equal(readFileSync(join(this.path, name), 'utf8'), text);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
