/** System calls that a supervisor answers. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { State } from '../suite/container.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#containerprocessstate';

/** What the supervisor is sent, beside the descriptor. */
interface ProcessState {
  readonly ociVersion: string;
  readonly fds: readonly string[];
  readonly pid: number;
  readonly metadata?: string;
  readonly state: State;
}

const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' };

export default {
  'the supervisor is sent the container process state': {
    spec,
    must: 'One JSON value per connection, with the names of the descriptors, the process, the metadata and the state; then it is closed.',
    check: async (bench) => {
      const path = join(bench.directory, 'seccomp');
      const received = Promise.withResolvers<string>();
      // Node drops the descriptor that comes with the bytes: so there is nobody who answers, and the kernel says ENOSYS.
      const server = createServer((socket) => {
        let text = '';
        socket
          .setEncoding('utf8')
          .on('data', (data: string) => (text += data))
          .on('end', () => received.resolve(text));
      }).listen(path);
      try {
        const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule], listenerPath: path, listenerMetadata: 'of any kind' };
        const container = await bench.start({ script: 'mkdir /new 2>&1; exec sleep 1000', linux: { seccomp } });
        const { fds, pid, metadata, state } = JSON.parse(await received.promise) as ProcessState;
        assert.deepEqual(fds, ['seccompFd']);
        assert.equal(metadata, 'of any kind');
        assert.deepEqual([pid, state.pid], [container.pid, container.pid]);
        assert.deepEqual([state.id, state.status, state.bundle], [container.id, 'creating', container.bundle.directory]);
        await container.said(/Function not implemented/);
      } finally {
        server.close();
      }
    },
  },
  'a supervisor that cannot be reached is an error': {
    spec: 'config-linux.md#configLinuxSeccomp',
    must: 'If sending to the socket fails there is an error.',
    check: async (bench) => {
      await bench.refused({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule], listenerPath: '/nowhere/socket' } } });
    },
  },
  'without notifications the supervisor is not asked for': {
    spec: 'config-linux.md#configLinuxSeccomp',
    must: 'Without SCMP_ACT_NOTIFY listenerPath is ignored.',
    check: async (bench) => {
      await bench.report({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/nowhere/socket' } } });
    },
  },
} satisfies Property;
