/**
 * The tracer: a process of our own that traces processes of containers, since a trace belongs to one thread, which it blocks,
 * and the engine's may not be. It is given one job, answers in lines of JSON, and ends. Whatever becomes of it, the engine only
 * gets no answer: it may not start, crash over what it looks at, or be killed.
 */
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import type { TracerJob, TracerOrder } from './job.ts';

/** The entry point lies beside this file: as source, and as a bundle of its own beside the bundle that holds this. */
const entry = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'main.ts' : 'tracer.js');
/** A heap of its own, bounded, since strangers decide what is put on it; and no thread that waits for a debugger. */
const flags = ['--single-threaded', '--max-old-space-size=256', '--disable-sigusr1'];
/** Characters that it may answer: it is not believed to know an end either. */
const mostOutput = 16 << 20;

/** A tracer at its job. @typeParam Answer what the job's answers are */
export class TracerProcess<Answer> {
  readonly #child: ChildProcess;
  readonly #answers: Answer[] = [];
  readonly #waiting: ((answer: Answer | undefined) => void)[] = [];
  /** Of a line whose end has not come. */
  #parts: string[] = [];
  #length = 0;
  #exit = 'it ended';
  #end: string | undefined;

  /** @param command the program to run, with its arguments */
  constructor(job: TracerJob, command: readonly string[] = [process.execPath, ...flags, entry]) {
    const [program = '', ...args] = command;
    this.#child = spawn(program, args, { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', (error) => this.#ended(error.message));
    this.#child.on('exit', (code, signal) => (this.#exit = `it ended with ${signal ?? `code ${code}`}`));
    this.#child.on('close', () => this.#ended(this.#exit));
    // There is none when the machine has no descriptor left for it.
    this.#child.stdin?.on('error', () => {
      // It reads no more: its end is told by the process.
    });
    this.#child.stdout?.setEncoding('utf8').on('error', (error) => this.#ended(error.message));
    this.#child.stdout?.on('data', (text: string) => this.#read(text));
    this.say({ engine: process.pid, job } satisfies TracerOrder);
  }

  /** Why it answers no more; undefined while it may. */
  get end(): string | undefined {
    return this.#end;
  }

  /** The next answer; undefined when none will come. */
  next(): Promise<Answer | undefined> {
    const answer = this.#answers.shift();
    if (answer !== undefined || this.#end !== undefined) return Promise.resolve(answer);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends it a line. */
  say(line: object): void {
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  /** Says that nothing more will be sent. */
  finish(): void {
    this.#child.stdin?.end();
  }

  /** Ends it at once. What it traces goes on untraced. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #read(text: string): void {
    this.#length += text.length;
    if (this.#length > mostOutput) return this.#refuse('it answers without end');
    const lines = text.split('\n');
    const rest = lines.pop()!;
    if (lines.length > 0) lines[0] = this.#parts.splice(0).join('') + lines[0]!;
    this.#parts.push(rest);
    try {
      for (const line of lines) this.#answer(JSON.parse(line) as Answer);
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(answer);
    else this.#answers.push(answer);
  }

  /** Hears it no more. */
  #refuse(why: string): void {
    this.#ended(why);
    this.kill();
  }

  #ended(why: string): void {
    this.#end ??= why;
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }
}
