import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { after, before, describe, test } from 'node:test';
import { ContainerBench, outcome } from '../../test/support/container.ts';
import { isTerminalMaster } from './console.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to make namespaces';

describe('a terminal', { skip: unable }, () => {
  let bench: ContainerBench;
  before(async () => (bench = await new ContainerBench().prepare()));
  after(() => bench[Symbol.asyncDispose]());

  test('is found by its name inside, is the console, and the controlling terminal', async () => {
    const started = await bench.start(
      bench.plan({ command: ['sh', '-c', 'tty; stat -c %t:%T /dev/console /dev/pts/0; ls -1 /dev/pts; echo yes > /dev/tty; exit 4'], config: { Tty: true } }),
    );
    const { stdout, code } = await outcome(started.process);
    assert.deepEqual([stdout.split('\r\n'), code], [['/dev/pts/0', '88:0', '88:0', '0', 'ptmx', 'yes', ''], 4]);
    await bench.remove(started);
  });

  test('takes input and a size, and turns ^C into SIGINT', async () => {
    const script = 'trap "echo interrupted; exit 6" INT; trap "stty size" WINCH; echo ready; read line; echo "got $line"; while :; do sleep 0.05; done';
    const started = await bench.start(bench.plan({ command: ['sh', '-c', script], config: { Tty: true } }));
    const terminal = new ReadStream(started.process.streams.terminal!);
    let seen = '';
    let wake = (): void => {};
    terminal
      .setEncoding('utf8')
      .on('data', (data) => ((seen += data), wake()))
      .on('error', () => {});
    const until = async (text: string): Promise<void> => {
      while (!seen.includes(text)) await new Promise<void>((resolve) => (wake = resolve));
    };
    await until('ready');
    (terminal as unknown as NodeJS.WritableStream).write('word\r');
    await until('got word');
    started.process.resize(33, 77);
    await until('33 77');
    (terminal as unknown as NodeJS.WritableStream).write('\x03');
    await until('interrupted');
    assert.deepEqual(await started.process.exited, { code: 6 });
    terminal.destroy();
    // The stream has closed the descriptor.
    Object.assign(started.process, { streams: {} });
    await bench.remove(started);
  });

  test('is not taken for one if it is something else', () => {
    for (const path of ['/dev/null', '/etc/passwd']) {
      const fd = openSync(path, 'r');
      assert.equal(isTerminalMaster(fd), false, path);
      closeSync(fd);
    }
  });
});
