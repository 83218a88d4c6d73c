/** `hako learn reset`: the scene of an exercise again, in a fresh lab; or all progress forgotten. */
import { changeProgress } from '../../course/progress.ts';
import { CommandError, defineCommand, UsageError } from '../command.ts';
import { begin, doing, entryOf, inCourse, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [EXERCISE]'],
  description: 'The way back from whatever happened in the lab. What you have passed stays passed, unless all is forgotten with --all.',
  count: [0, 1],
  flags: { ...speechFlags, all: { kind: 'bool', help: 'Forget all progress' }, force: { kind: 'bool', short: 'f', help: 'With --all: without being asked' } },
  async run({ flags, args: [id] }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    if (flags.all && id !== undefined) throw new UsageError('--all is for the whole course: leave out the exercise');
    await inCourse(speech, async () => {
      if (flags.all) {
        if (!flags.force) throw new CommandError(words.resetAll, { hint: words.resetAllHint });
        changeProgress((progress) => ({ ...progress, current: undefined, exercises: {} }));
        return say([words.resetDone]);
      }
      const { entry } = await begin(id === undefined ? (await doing(speech)).entry : entryOf(id, speech), speech);
      say([words.begun(entry.id), words.workIn]);
    });
  },
});
