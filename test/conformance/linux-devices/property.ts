/** Devices that config.json asks for. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultNamespaces, userMapping } from '../suite/config.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxDevices';
const kmsg = { type: 'c', path: '/dev/probe', major: 1, minor: 11 };

export default {
  'are there, with type, numbers, mode and owner': {
    spec,
    must: 'Each device is available at its path; fileMode, uid and gid are its own, unaffected by the umask.',
    check: async (bench) => {
      const devices = [
        { type: 'c', path: '/dev/character', major: 10, minor: 229, fileMode: 0o662, uid: 1000, gid: 5 },
        { type: 'u', path: '/dev/unbuffered', major: 10, minor: 200, fileMode: 0o600, uid: 0, gid: 0 },
        { type: 'b', path: '/dev/block', major: 7, minor: 33, fileMode: 0o640, uid: 0, gid: 6 },
        { type: 'p', path: '/dev/pipe', fileMode: 0o666, uid: 1, gid: 2 },
      ];
      const script = "cd /dev; stat -c '%n|%F|%t:%T|%a|%u:%g' character unbuffered block pipe";
      assert.deepEqual((await bench.report({ script, linux: { devices } })).split('\n'), [
        'character|character special file|a:e5|662|1000:5',
        'unbuffered|character special file|a:c8|600|0:0',
        'block|block special file|7:21|640|0:6',
        'pipe|fifo|0:0|666|1:2',
      ]);
    },
  },
  'may be anywhere': {
    spec,
    must: 'path may be outside of /dev, in a directory that is not there yet.',
    check: async (bench) => {
      const devices = [{ type: 'c', path: '/opt/deep/zero', major: 1, minor: 5, fileMode: 0o666 }];
      const linux = { devices, resources: { devices: [{ allow: true, access: 'rwm' }] } };
      assert.equal(await bench.report({ script: 'head -c 1 /opt/deep/zero | od -An -tx1', linux }), ' 00');
    },
  },
  'are there in a user namespace': {
    spec,
    must: 'The runtime may supply them however it likes, but it must.',
    check: async (bench) => {
      const linux = { devices: [{ type: 'c', path: '/dev/kmsg', major: 1, minor: 11 }], uidMappings: userMapping, gidMappings: userMapping };
      assert.equal(await bench.report({ script: 'stat -c %t:%T /dev/kmsg', namespaces: [...defaultNamespaces, 'user'], linux }), '1:b');
    },
  },
  'are not put over another file': {
    spec,
    must: 'A file at path that is not the device is an error.',
    check: async (bench) => {
      const { code } = await bench.run({
        linux: { devices: [{ ...kmsg, path: '/etc/taken' }] },
        prepare: (rootfs) => writeFileSync(join(rootfs, 'etc/taken'), 'mine'),
      });
      assert.notEqual(code, 0);
    },
  },
  'have a type that there is': {
    spec,
    must: 'Invalid values are an error.',
    check: async (bench) => {
      await bench.refused({ linux: { devices: [{ ...kmsg, type: 'x' }] } });
    },
  },
} satisfies Property;
