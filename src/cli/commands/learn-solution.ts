/** `hako learn solution`: by raw commands and by hako's own, for the learner's machine. */
import { changeRecord } from '../../course/progress.ts';
import { CommandError, defineCommand } from '../command.ts';
import { doing, fillingOf, inCourse, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { ...speechFlags, now: { kind: 'bool', help: 'Also when the exercise is not done yet' } },
  async run({ flags }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    await inCourse(speech, async () => {
      const { entry, current, progress } = await doing(speech);
      if (!flags.now && !progress.exercises[entry.id]?.passed) throw new CommandError(words.notPassed, { hint: words.solutionFirst });
      changeRecord(entry.id, { solutionSeen: true });
      const { form, facts } = fillingOf(current.facts);
      const part = (title: string, manner: 'raw' | 'hako'): string[] => [
        speech.paint('bold', title),
        '',
        ...entry.solution
          .lines(manner, form, facts)
          .split('\n')
          .map((line) => `    ${speech.paint('cyan', line)}`),
        '',
      ];
      say([...part(words.byHand, 'raw'), ...part(words.byHako, 'hako')]);
    });
  },
});
