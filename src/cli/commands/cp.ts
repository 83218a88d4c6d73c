/** `hako cp`: files between a container and the client. The rules of what goes where are those of `cp -a`, as Docker states them. */
import { CommandError, defineCommand, UsageError } from '../command.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-', '[OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH'],
  description: [
    "Use '-' as the source to read a tar archive from stdin and extract it to a directory",
    "in a container. Use '-' as the destination to stream a tar archive of a container's",
    'source to stdout.',
  ].join('\n'),
  count: [2, 2],
  completes: ['container', 'file'],
  flags: {
    archive: { kind: 'bool', short: 'a', help: 'Archive mode (copy all uid/gid information)' },
    'follow-link': { kind: 'bool', short: 'L', help: 'Always follow symbol link in SRC_PATH' },
    quiet: { kind: 'bool', short: 'q', help: 'Suppress progress output during copy' },
  },
  async run({ flags, args: [from = '', to = ''] }) {
    const [source, target] = [splitPath(from), splitPath(to)];
    if (source.container !== undefined && target.container !== undefined) throw new CommandError('copying between containers is not supported');
    if (source.container === undefined && target.container === undefined) throw new UsageError('must specify at least one container source', 1);
    const options = { owners: flags.archive, follow: flags['follow-link'] };
    let bytes: number | undefined;
    if (source.container !== undefined) {
      const { copyFromContainer } = await import('../copy-from-container.ts');
      bytes = await copyFromContainer(source.container, source.path, target.path, options);
    } else {
      const { copyToContainer } = await import('../copy-to-container.ts');
      bytes = await copyToContainer(source.path, target.container!, target.path, options);
    }
    if (bytes === undefined || flags.quiet || !process.stderr.isTTY) return;
    const { humanSize } = await import('../units.ts');
    process.stderr.write(`Successfully copied ${humanSize(bytes)} to ${to}\n`);
  },
});

/** `CONTAINER:PATH`, or a path of the client's: one that begins with `/` or `.`, or has no colon. */
function splitPath(text: string): { container?: string; path: string } {
  const colon = text.indexOf(':');
  if (text.startsWith('/') || text.startsWith('.') || colon < 0) return { path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}
