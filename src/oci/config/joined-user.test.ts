import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import test from 'node:test';
import { checkJoinedUser } from './joined-user.ts';

test(
  'maps that come with a joined user namespace are those that it has',
  { skip: process.getuid?.() !== 0 && 'only root can map other ids than its own' },
  async () => {
    const holder = spawn('unshare', ['--user', 'sh', '-c', 'echo there; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      for (const file of ['uid_map', 'gid_map']) writeFileSync(`/proc/${holder.pid}/${file}`, '0 1000 10\n10 5000 5\n');
      const path = `/proc/${holder.pid}/ns/user`;
      const maps = [
        { containerID: 10, hostID: 5000, size: 5 },
        { containerID: 0, hostID: 1000, size: 10 },
      ];
      const join =
        (uidMappings: typeof maps, gidMappings = maps, at = path) =>
        () =>
          checkJoinedUser({ namespaces: [{ type: 'user', path: at }], uidMappings, gidMappings, cgroupsPath: '' });
      assert.doesNotThrow(join(maps));
      assert.doesNotThrow(join([], []));
      assert.throws(
        join(maps.slice(1)),
        /^OciError: config\.json: linux\.uidMappings \(0 1000 10\) is not what the user namespace .* has \(0 1000 10, 10 5000 5\)/,
      );
      assert.throws(join(maps, [{ containerID: 0, hostID: 0, size: 10 }]), /linux\.gidMappings \(0 0 10\) is not what/);
      assert.throws(join(maps, maps, '/proc/4194303/ns/user'), /the user namespace \/proc\/4194303\/ns\/user is not there/);
      assert.doesNotThrow(join(maps, maps, '/run/of-nobody/user'), 'whose it is, only the kernel could tell');
    } finally {
      holder.stdin.end();
      await once(holder, 'close');
    }
  },
);
