/** Bind mounts: directories and files of the host in the container. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configMounts';

/** `source/` in the bundle, with a file, and a mount below in which is another. */
function prepare(_: string, bundle: string): void {
  mkdirSync(join(bundle, 'source/below'), { recursive: true });
  writeFileSync(join(bundle, 'source/file'), 'of the host\n');
  execFileSync('mount', ['-t', 'tmpfs', 'below', join(bundle, 'source/below')]);
  writeFileSync(join(bundle, 'source/below/file'), 'below\n');
}

const script = 'cat /mnt/file; ls /mnt/below';

export default {
  'show a directory, without the mounts below': {
    spec,
    must: 'bind mounts source, a path relative to the bundle or absolute.',
    check: async (bench) => {
      const bundle = bench.bundle({ script, mounts: [{ destination: '/mnt', type: 'bind', source: 'source', options: ['bind'] }], prepare });
      assert.equal(await bench.report(bundle), 'of the host');
      const source = join(bundle.directory, 'source');
      assert.equal(await bench.report({ script, mounts: [{ destination: '/mnt', source, options: ['bind'] }] }), 'of the host');
    },
  },
  'show the mounts below, too, with rbind': {
    spec,
    must: 'rbind mounts recursively.',
    check: async (bench) => {
      assert.equal(
        await bench.report({ script, mounts: [{ destination: '/mnt', type: 'none', source: 'source', options: ['rbind'] }], prepare }),
        'of the host\nfile',
      );
    },
  },
  'are what the host sees': {
    spec,
    must: 'It is the same directory: what the container writes is there for the host.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo back >/mnt/new', mounts: [{ destination: '/mnt', source: 'source', options: ['bind', 'rw'] }], prepare });
      await bench.report(bundle);
      assert.equal(readFileSync(join(bundle.directory, 'source/new'), 'utf8'), 'back\n');
    },
  },
  'may be of a file, at a place that is not there yet': {
    spec,
    must: 'source may be a file; the destination is made as what the source is.',
    check: async (bench) => {
      const mounts = [
        { destination: '/etc/deep/file', source: 'source/file', options: ['bind', 'ro'] },
        { destination: '/opt/deep/directory', source: 'source', options: ['rbind', 'ro'] },
      ];
      assert.equal(await bench.report({ script: 'cat /etc/deep/file /opt/deep/directory/below/file', mounts, prepare }), 'of the host\nbelow');
    },
  },
  'may be read-only': {
    spec: 'config.md#configLinuxMountOptions',
    must: 'ro makes the bind mount read-only, and leaves the source as it is.',
    check: async (bench) => {
      const writing = '(echo x >/mnt/new) 2>&1; (echo x >/mnt/below/new) && echo below';
      const bundle = bench.bundle({ script: writing, mounts: [{ destination: '/mnt', source: 'source', options: ['rbind', 'ro'] }], prepare });
      assert.match(await bench.report(bundle), /Read-only file system\nbelow$/);
      writeFileSync(join(bundle.directory, 'source/new'), '');
    },
  },
  'of nothing are an error': {
    spec,
    must: 'A source that is not there cannot be mounted.',
    check: async (bench) => {
      await bench.refused({ mounts: [{ destination: '/mnt', type: 'bind', source: '/nowhere/at/all', options: ['bind'] }] });
    },
  },
  'of a socket and of a device work': {
    spec,
    must: 'source may be any file.',
    check: async (bench) => {
      const mounts = [
        { destination: '/run/pipe', source: 'pipe', options: ['bind'] },
        { destination: '/run/zero', source: '/dev/zero', options: ['bind'] },
      ];
      const prepare = (_: string, bundle: string): unknown => execFileSync('mkfifo', [join(bundle, 'pipe')]);
      assert.equal(await bench.report({ script: 'stat -c %F /run/pipe; head -c 1 /run/zero | od -An -tx1', mounts, prepare }), 'fifo\n 00');
    },
  },
} satisfies Property;
