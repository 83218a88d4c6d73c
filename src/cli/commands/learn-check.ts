/** `hako learn check`: looks once. */
import { textIn } from '../../course/exercise.ts';
import { lookAtExercise } from '../../course/session.ts';
import { defineCommand } from '../command.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';
import { doing, inCourse, nextEntry, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';
import { standpointLines } from '../learn-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'Exits with 0 when the exercise is done, and with 1 when it is not yet.',
  count: [0, 0],
  flags: { ...speechFlags, format: jsonFormatFlag },
  async run({ flags }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    return await inCourse(speech, async () => {
      const { entry, exercise, current, progress } = await doing(speech);
      const seen = await lookAtExercise(exercise, current, progress);
      if (asksForJson(flags.format)) {
        const conditions = seen.standpoints.map(({ condition, finding, met, wasTrue }) => ({
          id: condition.id,
          says: textIn(condition.says, speech.language),
          now: finding.ok,
          wasTrue,
          met,
          expected: finding.expected === undefined ? null : textIn(finding.expected, speech.language),
          found: textIn(finding.found, speech.language),
        }));
        process.stdout.write(`${JSON.stringify({ id: entry.id, passed: seen.passed, conditions })}\n`);
        return seen.passed ? 0 : 1;
      }
      const next = nextEntry(progress, entry.id);
      const after = seen.passed
        ? [words.passed(entry.id), words.explainNext, next ? words.nextIs(next.id, next.lessons[speech.language].title) : words.allDone]
        : [words.notPassed];
      say([...standpointLines(seen, speech), '', ...after]);
      return seen.passed ? 0 : 1;
    });
  },
});
