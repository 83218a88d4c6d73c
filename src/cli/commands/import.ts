/** `hako import`: an image from a root filesystem, a `docker save` archive, or an OCI layout, which the engine tells apart by its content. */
import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { openArchive } from '../archive-file.ts';
import { send } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { splitReference } from '../image-name.ts';
import { printProgress } from '../progress-stream.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] FILE|DIRECTORY|- [REPOSITORY[:TAG]]'],
  description: [
    'FILE is a tar archive, plain or compressed with gzip or zstd: a root filesystem (`docker export`),',
    'images (`docker save`), or an OCI image layout. DIRECTORY is an OCI image layout.',
  ].join('\n'),
  count: [1, 2],
  completes: ['file', 'image'],
  flags: {
    change: { kind: 'list', short: 'c', help: 'Apply Dockerfile instruction to the created image' },
    message: { kind: 'string', short: 'm', help: 'Set commit message for imported image' },
    platform: { kind: 'string', help: 'Set platform if server is multi-platform capable' },
  },
  async run({ flags, args: [path = '', reference = ''] }) {
    if (/^https?:\/\//.test(path))
      throw new CommandError(`cannot import from the URL ${path}: hako does not download`, { hint: `Try: curl -fsSL ${path} | hako import -` });
    const { repository, tag } = splitReference(reference);
    const query = { fromSrc: '-', repo: repository, tag, message: flags.message, changes: flags.change, platform: flags.platform };
    await printProgress(await send('POST', '/images/create', { query, upload: await open(path) }));
  },
});

async function open(path: string): Promise<Readable> {
  if (path === '-' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) return openArchive(path);
  const { packTree } = await import('../tar-pack.ts');
  return packTree(path, '.');
}
