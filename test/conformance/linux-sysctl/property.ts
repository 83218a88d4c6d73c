/** Kernel parameters of the container's namespaces. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxSysctl';
const files = {
  'kernel.shm_rmid_forced': '1',
  'kernel.msgmax': '9216',
  'net.ipv4.ip_forward': '1',
  'net.ipv4.ip_local_port_range': '40000\t50000',
  'fs.mqueue.msg_max': '17',
};
const pathOf = (name: string): string => join('/proc/sys', name.replaceAll('.', '/'));

export default {
  'are set in the container, and not on the host': {
    spec,
    must: 'sysctl modifies kernel parameters for the container.',
    check: async (bench) => {
      const names = Object.keys(files);
      const read = (): string[] => names.map((name) => readFileSync(pathOf(name), 'utf8').trim());
      const before = read();
      const text = await bench.report({ script: `cat ${names.map(pathOf).join(' ')}`, linux: { sysctl: files } });
      assert.deepEqual(text.split('\n'), Object.values(files));
      assert.deepEqual(read(), before);
    },
  },
  'are set when /proc/sys is read-only for the program': {
    spec,
    must: 'readonlyPaths keeps the program from writing, not the runtime.',
    check: async (bench) => {
      const linux = { sysctl: { 'net.ipv4.ip_forward': '1' }, readonlyPaths: ['/proc/sys'] };
      assert.equal(await bench.report({ script: 'cat /proc/sys/net/ipv4/ip_forward', linux }), '1');
    },
  },
  'are an error when there is no such parameter': {
    spec,
    must: 'What cannot be applied is an error.',
    check: async (bench) => {
      await bench.refused({ linux: { sysctl: { 'net.ipv4.no_such_parameter': '1' } } });
    },
  },
  'are an error when the kernel does not take the value': {
    spec,
    must: 'What cannot be applied is an error.',
    check: async (bench) => {
      await bench.refused({ linux: { sysctl: { 'net.ipv4.ip_forward': 'perhaps' } } });
    },
  },
  'are an error when they are not of a namespace of the container': {
    spec,
    must: 'A container does not change the parameters of the host.',
    check: async (bench) => {
      await bench.refused({ linux: { sysctl: { 'vm.swappiness': readFileSync(pathOf('vm.swappiness'), 'utf8').trim() } } });
      await bench.refused({
        namespaces: ['pid', 'mount', 'ipc', 'uts'],
        linux: { sysctl: { 'net.ipv4.ip_forward': readFileSync(pathOf('net.ipv4.ip_forward'), 'utf8').trim() } },
      });
    },
  },
} satisfies Property;
