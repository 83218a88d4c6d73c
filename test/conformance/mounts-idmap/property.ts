/** Mounts through which files have other owners. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Asked, defaultNamespaces, userMapping } from '../suite/config.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxMountOptions';
const config = { ociVersion: '1.2.0' };
const mapping = [{ containerID: 0, hostID: 1000, size: 1000 }];

function prepare(_: string, bundle: string): void {
  mkdirSync(join(bundle, 'source/below'), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'below', join(bundle, 'source/below')]);
  for (const name of ['source/file', 'source/below/file']) {
    writeFileSync(join(bundle, name), '');
    chownSync(join(bundle, name), 5, 6);
  }
}

function asked(options: readonly string[], mappings: object, more: Asked = {}): Asked {
  return {
    script: 'stat -c %u:%g /mnt/file /mnt/below/file',
    mounts: [{ destination: '/mnt', type: 'bind', source: 'source', options, ...mappings }],
    prepare,
    config,
    ...more,
  };
}

export default {
  'idmap maps the owners in the mount alone': {
    spec,
    must: 'The mount has the id mapping of uidMappings and gidMappings; with idmap, mounts below have none.',
    check: async (bench) => {
      assert.equal(await bench.report(asked(['rbind', 'idmap'], { uidMappings: mapping, gidMappings: mapping })), '1005:1006\n5:6');
    },
  },
  'ridmap maps those below, too': {
    spec,
    must: 'With ridmap the mapping is applied recursively.',
    check: async (bench) => {
      assert.equal(await bench.report(asked(['rbind', 'ridmap'], { uidMappings: mapping, gidMappings: mapping })), '1005:1006\n1005:1006');
    },
  },
  'what is written has the mapped owner': {
    spec: 'config.md#configPOSIXMounts',
    must: 'The mapping converts ids of the source file system to those of the mount, and back.',
    check: async (bench) => {
      const bundle = bench.bundle(
        asked(
          ['bind', 'idmap'],
          { uidMappings: mapping, gidMappings: mapping },
          { script: 'echo x >/mnt/file', process: { user: { uid: 1005, gid: 1006 }, capabilities: {} } },
        ),
      );
      await bench.report(bundle);
      const { uid, size } = statSync(join(bundle.directory, 'source/file'));
      assert.deepEqual([uid, size], [5, 2]);
    },
  },
  'idmap without mappings uses those of the container': {
    spec,
    must: 'Without mappings of its own the mount may have the user namespace’s; so the owners are those of the host by number.',
    check: async (bench) => {
      const more = { namespaces: [...defaultNamespaces, 'user'], linux: { uidMappings: userMapping, gidMappings: userMapping } };
      assert.equal(await bench.report(asked(['bind', 'idmap'], {}, { ...more, script: 'stat -c %u:%g /mnt/file' })), '5:6');
    },
  },
  'idmap without any mapping is an error': {
    spec,
    must: 'Without mappings and without a user namespace an error must be returned.',
    check: async (bench) => {
      await bench.refused(asked(['bind', 'idmap'], {}));
    },
  },
  'one of the mappings alone is an error': {
    spec: 'config.md#configPOSIXMounts',
    must: 'uidMappings must be specified along with gidMappings.',
    check: async (bench) => {
      await bench.refused(asked(['bind', 'idmap'], { uidMappings: mapping }));
    },
  },
} satisfies Property;
