/** The runtime under test: a program by its path, called with runc's command line. */
import { type ChildProcess, spawn } from 'node:child_process';

/** How a call of the runtime ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a call is given besides its arguments. */
export interface CallOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Further descriptors, from 3 on. */
  readonly descriptors?: readonly number[];
}

/** Longer than any call takes on a busy machine; a runtime that hangs fails its claim by it. */
const patience = 30_000;

/** A call of the runtime that may leave a process behind which holds its output open: a container. */
export class RuntimeCall {
  readonly child: ChildProcess;
  /** The runtime's own end: its exit status, 128 and the signal's number when it was killed. */
  readonly exited: Promise<number>;
  /** The end of everything that holds the output. */
  readonly closed: Promise<void>;
  #stdout = '';
  #stderr = '';
  readonly #listeners = new Set<() => void>();

  constructor(path: string, args: readonly string[], options: CallOptions = {}) {
    const child = spawn(path, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(options.descriptors ?? [])],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.child = child;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#wrote(() => (this.#stdout += text)));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#wrote(() => (this.#stderr += text)));
    const timer = setTimeout(() => {
      this.#stderr += `\n(the runtime was killed: it had not returned after ${patience / 1000} s)`;
      child.kill('SIGKILL');
    }, patience);
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        resolve(code ?? (signal === 'SIGKILL' ? 137 : 128));
      });
    });
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
  }

  #wrote(append: () => void): void {
    append();
    for (const listener of this.#listeners) listener();
  }

  /** What has been written so far. */
  get stdout(): string {
    return this.#stdout;
  }
  get stderr(): string {
    return this.#stderr;
  }

  /** Waits until the standard output matches, and fails when it ends without. */
  async said(pattern: RegExp): Promise<void> {
    const found = Promise.withResolvers<void>();
    const look = (): void => {
      if (pattern.test(this.#stdout)) found.resolve();
    };
    this.#listeners.add(look);
    look();
    void this.closed.then(() => found.reject(new Error(`the output ended without ${pattern}: ${JSON.stringify(this.#stdout + this.#stderr)}`)));
    await found.promise;
    this.#listeners.delete(look);
  }
}

/** A runtime with a state directory of its own. */
export class Runtime {
  readonly path: string;
  readonly root: string;

  constructor(path: string, root: string) {
    this.path = path;
    this.root = root;
  }

  /** Begins a call. */
  begin(args: readonly string[], options?: CallOptions): RuntimeCall {
    return new RuntimeCall(this.path, ['--root', this.root, ...args], options);
  }

  /** Makes a call that leaves nothing behind which writes, and waits for its output, too. */
  async call(args: readonly string[], options?: CallOptions): Promise<Outcome> {
    const call = this.begin(args, options);
    const code = await call.exited;
    await call.closed;
    return { code, stdout: call.stdout, stderr: call.stderr };
  }
}
