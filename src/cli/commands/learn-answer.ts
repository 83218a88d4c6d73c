/** `hako learn answer`: what `answer VALUE` does in the lab. */
import { giveAnswer } from '../../course/session.ts';
import { defineCommand } from '../command.ts';
import { doing, inCourse, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] VALUE'],
  description: 'For the exercises that ask for something you have found out; the kernel is asked whether it is right.',
  count: [1, 1],
  flags: speechFlags,
  async run({ flags, args: [value] }) {
    const speech = speechOf(flags);
    await inCourse(speech, async () => {
      await giveAnswer((await doing(speech)).current, value!);
      say([wordsOf(speech).answered]);
    });
  },
});
