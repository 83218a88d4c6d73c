/** `hako cap explain`: what capabilities allow, what fails without them, and how far they go. */
import { explainCapabilities } from '../../element/cap/explain.ts';
import { defineCommand } from '../command.ts';
import { refusal } from '../element.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { langFlag, languageOf } from '../language.ts';
import { formatObjects } from '../object-output.ts';
import { painter, textWidth } from '../paint.ts';
import { wrapProse } from '../prose.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [CAPABILITY...]'],
  description: 'CAPABILITY is a name such as CAP_NET_ADMIN or net_admin, or a number. Without one: all.',
  count: [0, Infinity],
  flags: { format: streamFormatFlag, lang: langFlag },
  async run({ flags, args }) {
    const language = languageOf(flags.lang);
    const width = textWidth();
    const paint = painter();
    let all;
    try {
      all = explainCapabilities(args, language);
    } catch (error) {
      throw refusal(error);
    }
    if (flags.format) {
      process.stdout.write(await formatObjects(all, flags.format));
      return;
    }
    const state = {
      en: { yes: 'you have it', can: 'you do not have it, but can get it', no: 'you cannot have it' },
      ja: { yes: '今持っています', can: '持っていませんが、得られます', no: '持てません' },
    }[language];
    const texts = all.map(({ name, number, allows, text, effective, bounding }) => {
      const have = effective ? state.yes : bounding ? state.can : state.no;
      const head = `${paint('bold', name)}  (${number})  ${paint('dim', have)}`;
      return [
        head,
        ...wrapProse(allows, width - 2).map((line) => paint('cyan', `  ${line}`)),
        '',
        ...wrapProse(text, width - 2).map((line) => `  ${line}`),
      ].join('\n');
    });
    process.stdout.write(`${texts.join('\n\n')}\n`);
  },
});
