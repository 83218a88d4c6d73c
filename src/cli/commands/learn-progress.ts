/** `hako learn progress`: how far, chapter by chapter. */
import { chapters } from '../../course/catalogue.ts';
import { alignColumns } from '../columns.ts';
import { defineCommand } from '../command.ts';
import { inCourse, progressOf, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: speechFlags,
  async run({ flags }) {
    const speech = speechOf(flags);
    await inCourse(speech, async () => {
      const { exercises: known } = progressOf();
      const rows = chapters().map(({ number, title, exercises }) => {
        const marks = exercises.map(({ id }) => (known[id]?.passed ? '●' : '○'));
        return [String(number), title[speech.language], `${marks.join('')} ${marks.filter((mark) => mark === '●').length}/${marks.length}`];
      });
      const all = chapters().flatMap(({ exercises }) => exercises);
      say([alignColumns(rows, { least: 1 }).trimEnd(), '', wordsOf(speech).progress(all.filter(({ id }) => known[id]?.passed).length, all.length)]);
    });
  },
});
