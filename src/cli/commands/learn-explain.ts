/** `hako learn explain`: the debrief of the current exercise, or of any. */
import { createInterface } from 'node:readline/promises';
import { defineCommand } from '../command.ts';
import { doing, entryOf, fillingOf, inCourse, progressOf, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';
import { debriefLines } from '../learn-text.ts';
import { markdownLines } from '../markdown-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [EXERCISE]'],
  description: 'Why it is so, both ways side by side with their system calls, what Docker does here, and a question or two.',
  count: [0, 1],
  flags: { ...speechFlags, answers: { kind: 'bool', help: 'Show the answers to the questions, too' } },
  async run({ flags, args: [id] }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    await inCourse(speech, async () => {
      const { current } = progressOf();
      const entry = id === undefined ? (await doing(speech)).entry : entryOf(id, speech);
      const filling = fillingOf(current?.id === entry.id ? current.facts : undefined);
      say(debriefLines(entry, filling, speech));
      const waits = process.stdin.isTTY && process.stdout.isTTY && !flags.answers;
      for (const { text, answer } of entry.lessons[speech.language].questions) {
        say([speech.paint('bold', words.question), '', ...markdownLines(text, speech), '']);
        if (waits) {
          const line = createInterface({ input: process.stdin, output: process.stdout });
          await line.question(words.showAnswer).catch(() => '');
          line.close();
        }
        if (waits || flags.answers) say([...markdownLines(answer, speech), '']);
      }
      if (!waits && !flags.answers) say([words.answersBy]);
    });
  },
});
