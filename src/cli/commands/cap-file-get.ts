/** `hako cap file get`: the capabilities of files. */
import { statSync } from 'node:fs';
import { filesBelow, readFile } from '../../element/cap/file.ts';
import { fileView } from '../../element/cap/view.ts';
import { defineCommand } from '../command.ts';
import { refusal } from '../element.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';
import { complain, printable } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] PATH [PATH...]'],
  description: 'In the text form of setcap(8): e effective, i inheritable, p permitted. Exit code 1 when none\nhas any, or when some could not be read.',
  count: [1, Infinity],
  completes: ['file'],
  flags: { format: streamFormatFlag, recursive: { kind: 'bool', short: 'r', help: 'All files with capabilities below directories' } },
  async run({ flags, args }) {
    try {
      let allRead = true;
      const unread = (why: string): void => {
        allRead = false;
        complain(why);
      };
      const files = args.flatMap((path) => {
        if (!isDirectory(path)) return [readFile(path)];
        if (flags.recursive) return filesBelow(path, unread);
        complain(`${path} is a directory: --recursive shows the files below it`);
        return [];
      });
      const views = files.flatMap(({ path, capabilities }) => (capabilities ? [{ path, ...fileView(capabilities) }] : []));
      if (flags.format) process.stdout.write(await formatObjects(views, flags.format));
      else for (const { path, text, rootid } of views) process.stdout.write(`${printable(path)} ${text}${rootid === undefined ? '' : ` [rootid=${rootid}]`}\n`);
      return views.length && allRead ? 0 : 1;
    } catch (error) {
      throw refusal(error);
    }
  },
});

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // to read it tells why
  }
}
