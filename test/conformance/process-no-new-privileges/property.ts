/** Whether the container's process can gain privileges. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

export default {
  'are ruled out when they shall be, and only then': {
    spec: 'config.md#configLinuxProcess',
    must: 'noNewPrivileges sets no_new_privs; without it, it is not set.',
    check: async (bench) => {
      const script = 'grep NoNewPrivs /proc/self/status';
      assert.equal(await bench.report({ script, process: { noNewPrivileges: true } }), 'NoNewPrivs:\t1');
      assert.equal(await bench.report({ script, process: { noNewPrivileges: false } }), 'NoNewPrivs:\t0');
      assert.equal(await bench.report({ script }), 'NoNewPrivs:\t0');
    },
  },
  'do not hinder the runtime’s own steps': {
    spec: 'config.md#configLinuxProcess',
    must: 'noNewPrivileges holds for the program: user, capabilities and a seccomp filter are set all the same.',
    check: async (bench) => {
      const script = "grep -E '^(NoNewPrivs|Uid|CapAmb|Seccomp):' /proc/self/status";
      const caps = ['CAP_NET_BIND_SERVICE'];
      const capabilities = { bounding: caps, permitted: caps, effective: caps, inheritable: caps, ambient: caps };
      const text = await bench.report({
        script,
        process: { noNewPrivileges: true, user: { uid: 1000, gid: 1000 }, capabilities },
        linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapoff'], action: 'SCMP_ACT_ERRNO' }] } },
      });
      assert.deepEqual(text.split('\n').sort(), ['CapAmb:\t0000000000000400', 'NoNewPrivs:\t1', 'Seccomp:\t2', 'Uid:\t1000\t1000\t1000\t1000']);
    },
  },
} satisfies Property;
