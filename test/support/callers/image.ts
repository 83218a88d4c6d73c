/**
 * The image that the callers run containers of: the base image as one layer, and a second one with a user, and with files that
 * cannot be executed. Written as `docker save` does, which podman, Docker and ctr all load.
 */
import { createHash } from 'node:crypto';
import { gather } from '../../../src/storage/tar/tree-fixture.ts';
import { baseImageConfig, baseImageTar } from '../../../src/image/base/base-image.ts';
import { tar } from '../tar.ts';

/** The image's reference, with a host so that no caller puts its default one before it. */
export const testImage = 'localhost/base:latest';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const additions = tar([
  { name: 'etc/passwd', contents: 'root:x:0:0:root:/root:/bin/sh\nwriter:x:1000:1000::/home/writer:/bin/sh\n' },
  { name: 'etc/group', contents: 'root:x:0:\nwriters:x:1000:\nreaders:x:1001:writer\n' },
  { name: 'etc/text', mode: 0o644, contents: 'no program\n' },
  { name: 'home/writer/', type: '5', uid: 1000, gid: 1000 },
  { name: 'data/', type: '5' },
]);

/** The archive, some 50 MB. */
export async function testImageArchive(): Promise<Buffer> {
  const layers = [await gather(baseImageTar()), additions];
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      created: '2024-01-01T00:00:00Z',
      config: baseImageConfig,
      history: [{ created_by: 'base' }, { created_by: 'additions' }],
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
    }),
  );
  const names = layers.map((layer) => `${sha256(layer)}/layer.tar`);
  return tar([
    ...layers.map((contents, i) => ({ name: names[i]!, contents })),
    { name: `${sha256(config)}.json`, contents: config },
    { name: 'manifest.json', contents: JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [testImage], Layers: names }]) },
  ]);
}
