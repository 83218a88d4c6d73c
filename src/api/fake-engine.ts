/** An engine for tests of the API: one container `box`, whose process a test plays. */
import { PassThrough, Readable, Writable } from 'node:stream';
import { type Attachment, type Engine, EngineError } from '../engine/engine.ts';
import { Events } from '../engine/events.ts';
import type { OutputChunk } from './http/framing.ts';
import type { ContainerCreateBody, ContainerInspect, ContainerSummary, ExecCreateBody, Info, StatsSample } from './schema.ts';

export const boxId = 'b0'.repeat(32);

/** Output that a test writes and a client reads, held back like a pipe when the client does not read. */
export class FakeProcess {
  readonly terminal: boolean;
  /** What the client sent, and whether it ended its input. */
  received = '';
  inputEnded = Promise.withResolvers<void>();
  detached = Promise.withResolvers<void>();
  taken = 0;
  readonly #output = new PassThrough({ objectMode: true, highWaterMark: 4 });

  constructor(terminal = false) {
    this.terminal = terminal;
  }

  say(stream: 'stdout' | 'stderr', text: string): void {
    this.#output.write({ stream, data: Buffer.from(text) });
  }

  exit(): void {
    this.#output.end();
  }

  attachment(): Attachment {
    const input = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.received += chunk.toString();
        done();
      },
      final: (done) => {
        this.inputEnded.resolve();
        done();
      },
    });
    return {
      terminal: this.terminal,
      input,
      output: this.#chunks(),
      detach: () => {
        this.detached.resolve();
        this.#output.end();
      },
    };
  }

  async *#chunks(): AsyncGenerator<OutputChunk, void> {
    for await (const chunk of this.#output) {
      this.taken += 1;
      yield chunk as OutputChunk;
    }
  }
}

const notHere = (): never => {
  throw new EngineError(501, 'The fake engine does not do this.');
};

/** What the API asked of the engine, and what the engine answers. */
export class FakeEngine {
  readonly calls: string[] = [];
  readonly created: ContainerCreateBody[] = [];
  readonly execBodies: ExecCreateBody[] = [];
  process = new FakeProcess();
  exec = new FakeProcess();
  log: AsyncIterable<OutputChunk> = Readable.from([]);
  exit = Promise.withResolvers<{ StatusCode: number }>();
  readonly bus = new Events();
  uploaded = '';
  readonly engine: Engine;

  constructor() {
    const find = (ref: string): void => {
      if (ref !== 'box' && !boxId.startsWith(ref)) throw new EngineError(404, `No such container: ${ref}`);
    };
    const did = (call: string): Promise<void> => {
      this.calls.push(call);
      return Promise.resolve();
    };
    const engine = {
      containers: {
        create: async (body: ContainerCreateBody) => {
          this.created.push(body);
          return { Id: boxId, Warnings: [] };
        },
        start: async (ref: string) => {
          find(ref);
          await did('start');
        },
        stop: async (ref: string, options: object) => {
          find(ref);
          if (this.calls.includes('stop {}')) throw new EngineError(304, 'already stopped');
          await did(`stop ${JSON.stringify(options)}`);
        },
        wait: (ref: string) => {
          find(ref);
          return { ready: did('wait'), done: this.exit.promise };
        },
        remove: async (_ref: string, options: object) => did(`remove ${JSON.stringify(options)}`),
        resize: async (_ref: string, height: number, width: number) => did(`resize ${height} ${width}`),
        attach: async (ref: string, options: object) => {
          find(ref);
          await did(`attach ${JSON.stringify(options)}`);
          return this.process.attachment();
        },
        logs: async (ref: string, { signal, ...options }: { signal?: AbortSignal }) => {
          find(ref);
          await did(`logs ${JSON.stringify(options, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`);
          signal?.addEventListener('abort', () => void did('logs aborted'));
          return { terminal: false, output: this.log };
        },
        list: async (options: object) => {
          await did(`list ${JSON.stringify(options)}`);
          const summary: Partial<ContainerSummary> = {
            Id: boxId,
            Names: ['/box'],
            Image: 'base',
            Command: 'sh',
            Created: 1_700_000_000,
            Ports: [],
            State: 'running',
            Status: 'Up 2 minutes',
            Labels: {},
            Mounts: [],
          };
          return [summary];
        },
        inspect: async (ref: string): Promise<ContainerInspect> => {
          find(ref);
          const inspect = {
            Id: boxId,
            Name: '/box',
            Config: { Tty: this.process.terminal, OpenStdin: true, AttachStdin: true },
            State: { Status: 'running', Running: true, ExitCode: 0 },
            HostConfig: {},
          };
          return inspect as unknown as ContainerInspect;
        },
        async *stats(): AsyncGenerator<StatsSample> {
          yield { id: boxId, name: '/box' } as StatsSample;
        },
        statArchive: async (_ref: string, path: string) => ({ name: path, size: 3, mode: 420, mtime: '2024-01-01T00:00:00Z', linkTarget: '' }),
        putArchive: async (_ref: string, path: string, tar: Readable) => {
          for await (const chunk of tar) this.uploaded += String(chunk);
          await did(`put ${path}`);
        },
        export: async () =>
          Readable.from(
            (function* () {
              yield Buffer.from('tar');
              throw new Error('the disk is gone');
            })(),
          ),
      },
      execs: {
        create: async (_ref: string, body: ExecCreateBody) => {
          this.execBodies.push(body);
          return { Id: 'e0' };
        },
        start: async (_id: string, options: { detach: boolean }) => {
          await did(`exec ${JSON.stringify(options)}`);
          return options.detach ? undefined : this.exec.attachment();
        },
        inspect: async () => ({ ID: 'e0', ExitCode: 7, Running: false, Pid: 1, DetachKeys: '' }),
        resize: notHere,
      },
      images: {
        inspect: async (ref: string) => {
          if (ref !== 'registry.example/team/app:1') throw new EngineError(404, `No such image: ${ref}`);
          return { Id: 'sha256:aa' };
        },
        async *load(): AsyncGenerator<{ stream: string }> {
          yield { stream: 'Loaded image: app:1\n' };
          throw new EngineError(400, 'The archive ends early.');
        },
      },
      volumes: { list: async () => [] },
      networks: { list: async () => [] },
      info: async () => ({ ServerVersion: '9.9.9', KernelVersion: '6.0', OSType: 'linux' }) as Info,
      events: (options: Parameters<Events['read']>[0]) => this.bus.read(options),
      close: async () => undefined,
    };
    this.engine = engine as unknown as Engine;
  }
}
