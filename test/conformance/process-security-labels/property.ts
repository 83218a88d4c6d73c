/** Labels of the kernel's security modules. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { Property } from '../suite/property.ts';

const hasApparmor = (): boolean =>
  existsSync('/sys/module/apparmor/parameters/enabled') && readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
const hasSelinux = (): boolean => existsSync('/sys/fs/selinux/enforce');

export default {
  'of AppArmor are set': {
    spec: 'config.md#configLinuxProcess',
    must: 'apparmorProfile is the profile of the process.',
    needs: () => (hasApparmor() ? false : 'the kernel has no AppArmor here'),
    check: async (bench) => {
      assert.equal(await bench.report({ script: 'cat /proc/self/attr/current', process: { apparmorProfile: 'unconfined' } }), 'unconfined');
    },
  },
  'of AppArmor are an error for a profile that is not loaded': {
    spec: 'config.md#configLinuxProcess',
    must: 'What cannot be applied is an error: a program is never run with less confinement than was asked.',
    check: async (bench) => {
      const { code, stderr } = await bench.run({ process: { apparmorProfile: 'hako-no-such-profile' } });
      assert.notEqual(code, 0);
      assert.match(stderr, /apparmor/i);
    },
  },
  'of SELinux are an error where there is none': {
    spec: 'config.md#configLinuxProcess',
    must: 'What cannot be applied is an error.',
    needs: () => (hasSelinux() ? 'the kernel has SELinux here' : false),
    check: async (bench) => {
      const { code } = await bench.run({ process: { selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2' } });
      assert.notEqual(code, 0);
    },
  },
  'of mounts are an error where there is no SELinux': {
    spec: 'config-linux.md#configLinuxMountLabel',
    must: 'What cannot be applied is an error.',
    needs: () => (hasSelinux() ? 'the kernel has SELinux here' : false),
    check: async (bench) => {
      const { code } = await bench.run({ linux: { mountLabel: 'system_u:object_r:container_file_t:s0:c1,c2' } });
      assert.notEqual(code, 0);
    },
  },
} satisfies Property;
