/** `hako learn hint`: one hint more each time. */
import { changeRecord } from '../../course/progress.ts';
import { defineCommand } from '../command.ts';
import { doing, fillingOf, inCourse, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';
import { hintLines } from '../learn-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'From a nudge to nearly the command.',
  count: [0, 0],
  flags: speechFlags,
  async run({ flags }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    await inCourse(speech, async () => {
      const { entry, current, progress } = await doing(speech);
      const all = entry.lessons[speech.language].hints.length;
      const count = Math.min((progress.exercises[entry.id]?.hints ?? 0) + 1, all);
      changeRecord(entry.id, { hints: count });
      say([...hintLines(entry, count, fillingOf(current.facts), speech), count < all ? words.moreHints : words.noMoreHints]);
    });
  },
});
