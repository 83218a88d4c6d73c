/** `hako learn start`: an exercise is begun in a fresh lab. */
import { CommandError, defineCommand } from '../command.ts';
import { begin, entryOf, fillingOf, inCourse, nextEntry, progressOf, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';
import { taskLines } from '../learn-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [EXERCISE]'],
  description: 'EXERCISE is a number of `hako learn list`, such as 2.4; without one the first that is not done. The lab is made anew.',
  count: [0, 1],
  flags: speechFlags,
  async run({ flags, args: [id] }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    await inCourse(speech, async () => {
      const entry = id === undefined ? nextEntry(progressOf()) : entryOf(id, speech);
      if (!entry) throw new CommandError(words.allDone);
      const { current } = await begin(entry, speech);
      say([words.begun(entry.id), '', ...taskLines(entry, fillingOf(current.facts), speech), words.workIn, words.commands]);
    });
  },
});
