/** The terminal of the container's process. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import { ConsoleSocket } from '../suite/console.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configProcess';

/**
 * Runs a script on a container's terminal. It ends when all has been read: what is unread when the leader of a session ends, the
 * kernel takes away.
 * @returns what it wrote
 */
async function onTerminal(bench: Bench, script: string, process: Fields = {}): Promise<string> {
  await using socket = new ConsoleSocket(join(bench.directory, 'console'));
  const container = await bench.create({ script: `${script}; echo THE END; read nothing`, process: { terminal: true, ...process } }, [
    '--console-socket',
    socket.path,
  ]);
  using terminal = await socket.terminal();
  await container.must('start');
  await terminal.said(/THE END\r\n/);
  return terminal.text.replaceAll('\r\n', '\n').replace('THE END\n', '');
}

export default {
  'is on the standard streams': {
    spec,
    must: 'A pseudoterminal is made for the process, and is its stdin, stdout and stderr.',
    check: async (bench) => {
      const script = 'tty; for fd in 0 1 2; do readlink /proc/self/fd/$fd; done';
      assert.equal(await onTerminal(bench, script), '/dev/pts/0\n/dev/pts/0\n/dev/pts/0\n/dev/pts/0\n');
    },
  },
  'is the controlling terminal': {
    spec,
    must: 'The process leads a session whose terminal it is: what is typed to interrupt does.',
    check: async (bench) => {
      await using socket = new ConsoleSocket(join(bench.directory, 'console'));
      const script = 'trap "echo interrupted; read nothing" INT; echo up >/dev/tty; while true; do sleep 1000 & wait; done';
      const container = await bench.create({ script, process: { terminal: true } }, ['--console-socket', socket.path]);
      using terminal = await socket.terminal();
      await container.must('start');
      await terminal.said(/up/);
      terminal.type('\u0003');
      await terminal.said(/interrupted/);
    },
  },
  'is also /dev/console': {
    spec: 'config-linux.md#configLinuxDefaultDevices',
    must: 'With a terminal, /dev/console is that pseudoterminal.',
    check: async (bench) => {
      const script = 'echo by console >/dev/console; stat -c %t /dev/console; grep -c " /dev/console " /proc/self/mountinfo';
      assert.equal(await onTerminal(bench, script), 'by console\n88\n1\n');
    },
  },
  'has the size that was asked for': {
    spec,
    must: 'consoleSize is the size of the terminal, from the start.',
    check: async (bench) => {
      assert.equal(await onTerminal(bench, 'stty size', { consoleSize: { height: 33, width: 117 } }), '33 117\n');
    },
  },
  'belongs to the process’s user': {
    spec,
    must: 'The user can open the terminal by its name again.',
    check: async (bench) => {
      const process = { user: { uid: 1000, gid: 1000 }, capabilities: {} };
      assert.equal(await onTerminal(bench, 'stat -c %u $(tty); echo again >$(tty)', process), '1000\nagain\n');
    },
  },
  'has no size where there is none': {
    spec,
    must: 'consoleSize is ignored without a terminal.',
    check: async (bench) => {
      const process = { terminal: false, consoleSize: { height: 33, width: 117 } };
      assert.equal(await bench.report({ script: 'tty; true', process }), 'not a tty');
    },
  },
  'needs a socket to be sent over': {
    spec: 'runc(8)',
    must: 'create with a terminal needs --console-socket, and without a terminal refuses it.',
    check: async (bench) => {
      await bench.refused({ process: { terminal: true } });
      await using socket = new ConsoleSocket(join(bench.directory, 'console'));
      await bench.refused({}, ['--console-socket', socket.path]);
    },
  },
  'is made for exec, too': {
    spec: 'runc(8)',
    must: 'exec --tty gives the new process a terminal of its own.',
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000' });
      await using socket = new ConsoleSocket(join(bench.directory, 'console'));
      const call = bench.runtime.begin([
        'exec',
        '--tty',
        '--detach',
        '--console-socket',
        socket.path,
        container.id,
        'sh',
        '-c',
        'read line; echo "$line, $(tty)"; read nothing',
      ]);
      using terminal = await socket.terminal();
      assert.equal(await call.exited, 0, call.stderr);
      terminal.type('typed\n');
      await terminal.said(/^typed\r\ntyped, \/dev\/pts\/0\r\n$/);
    },
  },
} satisfies Property;
