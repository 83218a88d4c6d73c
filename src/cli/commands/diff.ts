/** `hako diff`: what a container changed in its file system: A added, C changed, D deleted. */
import type { FilesystemChange } from '../../api/schema.ts';
import { get, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { printable } from '../terminal-text.ts';

const letters = ['C', 'A', 'D'] as const;

export const command = defineCommand({
  usage: ['CONTAINER'],
  count: [1, 1],
  completes: ['container'],
  flags: {},
  async run({ args: [name = ''] }) {
    const changes = (await get<FilesystemChange[] | null>(`/containers/${segment(name)}/changes`)) ?? [];
    process.stdout.write(changes.map(({ Kind, Path }) => `${letters[Kind]} ${printable(Path)}\n`).join(''));
  },
});
