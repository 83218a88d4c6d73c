/** `hako cap show`: the capability sets of processes, decoded, and where they count. */
import { explainCapabilities } from '../../element/cap/explain.ts';
import { readCredentials } from '../../element/cap/credentials.ts';
import { processView } from '../../element/cap/view.ts';
import { processText } from '../cap-text.ts';
import { defineCommand } from '../command.ts';
import { namedProcess } from '../containers-known.ts';
import { refusal } from '../element.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { langFlag, languageOf } from '../language.ts';
import { formatObjects } from '../object-output.ts';
import { textWidth } from '../paint.ts';
import { printableLines } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [PID|CONTAINER|self...]'],
  description: 'Without an argument: self, what hako itself has, and so what it would hand on.',
  count: [0, Infinity],
  completes: ['running'],
  flags: { format: streamFormatFlag, lang: langFlag },
  async run({ flags, args }) {
    const language = languageOf(flags.lang);
    const views = [];
    for (const word of args.length ? args : ['self']) {
      const pid = await namedProcess(word);
      try {
        views.push(processView(readCredentials(pid)));
      } catch (error) {
        throw refusal(error);
      }
    }
    if (flags.format) {
      process.stdout.write(await formatObjects(views, flags.format));
      return;
    }
    const allows = new Map(explainCapabilities([], language).flatMap(({ known, name, allows: text }) => (known ? [[name, text]] : [])));
    process.stdout.write(printableLines(views.map((view) => processText(view, allows, textWidth())).join('\n')));
  },
});
