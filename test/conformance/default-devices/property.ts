/** The devices that every container has. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxDefaultDevices';

const numbers = { full: '1:7', null: '1:3', random: '1:8', tty: '5:0', urandom: '1:9', zero: '1:5' };

export default {
  'are there, with their numbers': {
    spec,
    must: 'null, zero, full, random, urandom and tty are supplied without being asked for.',
    check: async (bench) => {
      const script = `cd /dev; for name in ${Object.keys(numbers).join(' ')}; do stat -c '%n %F %t:%T %a %u:%g' $name; done`;
      const expected = Object.entries(numbers).map(([name, number]) => `${name} character special file ${number} 666 0:0`);
      assert.deepEqual((await bench.report({ script })).split('\n'), expected);
    },
  },
  'can be used by any user': {
    spec,
    must: 'The devices work: the device filter of the cgroup and the mount of /dev allow them.',
    check: async (bench) => {
      const script =
        'echo gone >/dev/null; head -c 4 /dev/zero | od -An -tx1; head -c 3 /dev/urandom | wc -c; head -c 2 /dev/random | wc -c; echo x 2>&1 >/dev/full';
      const text = await bench.report({ script: `{ ${script}; } 2>&1; true`, process: { user: { uid: 1000, gid: 1000 }, capabilities: {} } });
      assert.match(text, /^ 00 00 00 00\n3\n2\n.*No space left on device$/);
    },
  },
  'include ptmx, of the container’s own devpts': {
    spec,
    must: '/dev/ptmx is a bind mount of /dev/pts/ptmx or a link to it.',
    check: async (bench) => {
      assert.equal(await bench.report({ script: 'stat -Lc %t:%T /dev/ptmx; readlink -f /dev/ptmx; ls /dev/pts' }), '5:2\n/dev/pts/ptmx\nptmx');
    },
  },
  'do not include a console without a terminal, nor a device of the host’s': {
    spec: 'config-linux.md#configLinuxDevices',
    must: 'A container has no other devices than those that are configured and the default ones.',
    check: async (bench) => {
      const devices = await bench.report({ script: 'find /dev -type c -o -type b | sort' });
      assert.deepEqual(devices.split('\n'), [...Object.keys(numbers).map((name) => `/dev/${name}`), '/dev/pts/ptmx'].sort());
    },
  },
  'are there in a user namespace': {
    spec,
    must: 'Where mknod(2) is not allowed, the default devices are supplied in another way.',
    check: async (bench) => {
      const mapping = [{ containerID: 0, hostID: 200_000, size: 65_536 }];
      const script = 'head -c 2 /dev/zero | od -An -tx1; echo x >/dev/null && stat -c %t:%T /dev/null /dev/full /dev/random';
      const text = await bench.report({
        script,
        namespaces: ['user', 'pid', 'network', 'ipc', 'uts', 'mount'],
        linux: { uidMappings: mapping, gidMappings: mapping },
      });
      assert.equal(text, ' 00 00\n1:3\n1:7\n1:8');
    },
  },
} satisfies Property;
