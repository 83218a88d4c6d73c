/** `hako learn`, `hako learn show`: where the learner left off. */
import { lookAtExercise } from '../../course/session.ts';
import { defineCommand } from '../command.ts';
import { doing, fillingOf, hasLab, inCourse, nextEntry, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';
import { hintLines, standpointLines, taskLines } from '../learn-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'Goal, background and task of the exercise that you are at, the hints that you have asked for, and how its conditions stand.',
  count: [0, 0],
  flags: speechFlags,
  async run({ flags }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    await inCourse(speech, async () => {
      const { entry, exercise, current, progress } = await doing(speech);
      const filling = fillingOf(current.facts);
      say([...taskLines(entry, filling, speech), ...hintLines(entry, progress.exercises[entry.id]?.hints ?? 0, filling, speech)]);
      if (!hasLab(current)) {
        say([words.labGone, words.labGoneHint]);
        return;
      }
      const seen = await lookAtExercise(exercise, current, progress);
      say([...standpointLines(seen, speech), '']);
      const next = nextEntry(progress, entry.id);
      if (seen.passed) say([words.passed(entry.id), words.explainNext, next ? words.nextIs(next.id, next.lessons[speech.language].title) : words.allDone]);
      else say([words.workIn, words.commands]);
    });
  },
});
