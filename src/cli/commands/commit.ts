/** `hako commit`: an image of a container's changes. */
import { post } from '../client.ts';
import { defineCommand } from '../command.ts';
import { splitReference } from '../image-name.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [REPOSITORY[:TAG]]'],
  count: [1, 2],
  completes: ['container', 'image'],
  flags: {
    author: { kind: 'string', short: 'a', help: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")' },
    change: { kind: 'list', short: 'c', help: 'Apply Dockerfile instruction to the created image' },
    message: { kind: 'string', short: 'm', help: 'Commit message' },
    pause: { kind: 'bool', short: 'p', help: 'Pause container during commit', default: true },
  },
  async run({ flags, args: [container = '', reference = ''] }) {
    const { repository, tag } = splitReference(reference);
    const query = { container, repo: repository, tag, author: flags.author, comment: flags.message, changes: flags.change, pause: flags.pause ? '1' : '0' };
    const { Id } = await post<{ Id: string }>('/commit', query);
    process.stdout.write(`${Id}\n`);
  },
});
