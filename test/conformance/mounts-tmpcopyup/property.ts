/** A tmpfs that begins with what was at its place. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

export default {
  'has the content of the directory': {
    spec: 'config.md#configLinuxMountOptions',
    must: 'tmpcopyup copies what is at the destination into the tmpfs: directories, files, links, modes and owners; the image stays as it is.',
    check: async (bench) => {
      const bundle = bench.bundle({
        script: "cd /var; stat -c '%n %F %a %u:%g' data data/file data/deep data/link; cat data/file; readlink data/link; echo changed >data/file",
        mounts: [{ destination: '/var/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'nosuid'] }],
        prepare: (rootfs) => {
          const data = join(rootfs, 'var/data');
          mkdirSync(join(data, 'deep'), { recursive: true });
          writeFileSync(join(data, 'file'), 'content\n');
          symlinkSync('file', join(data, 'link'));
          chownSync(join(data, 'file'), 1000, 5);
          chmodSync(join(data, 'file'), 0o4751);
          chmodSync(join(data, 'deep'), 0o1777);
          chmodSync(data, 0o750);
        },
      });
      assert.deepEqual((await bench.report(bundle)).split('\n'), [
        'data directory 750 0:0',
        'data/file regular file 4751 1000:5',
        'data/deep directory 1777 0:0',
        'data/link symbolic link 777 0:0',
        'content',
        'file',
      ]);
      assert.equal(readFileSync(join(bundle.rootfs, 'var/data/file'), 'utf8'), 'content\n');
    },
  },
} satisfies Property;
