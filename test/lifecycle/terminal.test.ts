/** Terminals: the client in a real one (script(1) gives it), the container in its own; keys, sizes, detaching. */
import assert from 'node:assert/strict';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { resizeTerminal } from '../../src/runtime/console.ts';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { needsRoot } from '../support/needs.ts';

/** What a person sees in a terminal, and types. */
class Screen {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  text = '';
  #wake = (): void => {};

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout!.setEncoding('utf8').on('data', (data: string) => {
      this.text += data;
      this.#wake();
    });
    this.ended = once(child, 'close').then(([code]) => {
      this.#wake();
      return code as number | null;
    });
  }

  /** Waits until it shows this, and forgets what it showed up to there. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match) {
        this.text = this.text.slice(match.index + match[0].length);
        return match;
      }
      if (this.child.exitCode !== null) assert.fail(`it ended without showing ${pattern}: ${this.text}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  type(keys: string): void {
    this.child.stdin!.write(keys);
  }
}

describe('a terminal', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine();
  });
  after(() => engine?.close());

  const open = (...args: readonly string[]): Screen => new Screen(engine.spawnInTerminal(args, { rows: 33, columns: 77 }));
  /** The shell's own line editing is not what is looked at. */
  const shell = ['sh', '-c', 'tty; stty size; while read -r line; do eval "$line"; done'];

  for (const [how, watch] of [
    ['--step', '--step=mount.pivot'],
    ['--hand', '--hand=mount.pivot'],
  ] as const)
    test(`run -it ${how}: the keyboard is the person's until the last stop, then the container's, and its lines are not drawn askew`, async () => {
      const screen = open('run', '--rm', '-it', '--network', 'none', watch, 'base', ...shell);
      assert.doesNotMatch((await screen.shows(/[^]*\[(Enter|d): do it[^\]]*\]\S*\r\n/))[0], /\r\r/);
      screen.type(how === '--step' ? '\r' : 'd');
      await screen.shows(/\/dev\/pts\/0\r\n33 77\r\n/);
      screen.type('echo $((6*7)); exit 3\n');
      await screen.shows(/42\r\n/);
      assert.equal(await screen.ended, 3);
    });

  test('run -it: a real one, of the size of the client, that follows it; keys become lines and signals', async () => {
    const screen = open('run', '--rm', '-it', '--name', 'seen', 'base', ...shell);
    await screen.shows(/\/dev\/pts\/0\r\n33 77\r\n/);
    screen.type('echo $((6*7)); test -t 0 && test -t 1 && test -t 2 && echo all\n');
    await screen.shows(/42\r\nall\r\n/);

    // The client's terminal changes its size, as a window does: the kernel tells the client, which tells the engine.
    screen.type('trap "stty size" WINCH; sleep infinity & echo set; wait\n');
    await screen.shows(/\nset\r\n/);
    const tty = clientTerminal(screen.child);
    // In one: stty(1) sets rows and columns one after the other, and the second signal would find the shell reading, which ends it.
    const terminal = openSync(tty, 'r+');
    resizeTerminal(terminal, 50, 120);
    closeSync(terminal);
    await screen.shows(/50 120\r\n/);
    screen.type('trap "echo interrupted; exit 5" INT; echo armed; sleep 9\n');
    await screen.shows(/\narmed\r\n/);
    screen.type('\x03');
    await screen.shows(/interrupted/);
    assert.equal(await screen.ended, 5);
  });

  test('exec -it: another one in the same container', async () => {
    await engine.must('run', '-d', '--name', 'host', 'base', 'sleep', 'infinity');
    const screen = open('exec', '-it', '-e', 'WORD=given', 'host', ...shell);
    await screen.shows(/\/dev\/pts\/\d+\r\n33 77\r\n/);
    screen.type('echo $WORD $TERM; exit 6\n');
    await screen.shows(/given xterm\r\n/);
    assert.equal(await screen.ended, 6);
    await engine.must('rm', '-f', 'host');
  });

  test('ctrl-p ctrl-q leaves it running, attach comes back to it', async () => {
    const first = open('run', '-it', '--name', 'left', 'base', ...shell);
    await first.shows(/33 77/);
    first.type('\x10\x11');
    assert.equal(await first.ended, 0);
    assert.equal(await engine.must('inspect', '--format', '{{.State.Status}}', 'left'), 'running');
    const second = open('attach', 'left');
    second.type('echo again $((1+1))\n');
    await second.shows(/again 2\r\n/);
    second.type('exit 8\n');
    assert.equal(await second.ended, 8);
    assert.match(await engine.must('logs', 'left'), /again 2/);
    await engine.must('rm', 'left');
  });

  test('start -ai runs it again', async () => {
    await engine.must('create', '-it', '--name', 'twice', 'base', ...shell);
    for (const code of [3, 4]) {
      const screen = open('start', '-ai', 'twice');
      await screen.shows(/pts/);
      screen.type(`exit ${code}\n`);
      assert.equal(await screen.ended, code);
    }
    await engine.must('rm', 'twice');
  });

  test('-t alone gives one without a client that has one, and its output is one stream', async () => {
    const { stdout, stderr } = await engine.hako(['run', '--rm', '-t', 'base', 'sh', '-c', 'test -t 1 && echo yes; echo error >&2']);
    assert.equal(stdout, 'yes\r\nerror\r\n');
    assert.equal(stderr, '');
    const refused = await engine.hako(['run', '--rm', '-it', 'base', 'true']);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /not a TTY/i);
  });
});

/** The terminal that script(1) gave to the client. */
function clientTerminal(script: ChildProcess): string {
  const pids = execFileSync('ps', ['-o', 'tty=', '--ppid', String(script.pid)], { encoding: 'utf8' });
  return `/dev/${pids.trim().split('\n')[0]!.trim()}`;
}
