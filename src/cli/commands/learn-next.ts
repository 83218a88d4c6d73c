/** `hako learn next`: the exercise after this one that is not done; those that this machine cannot do are passed over, with their reasons. */
import { obstacles } from '../../course/session.ts';
import { changeRecord } from '../../course/progress.ts';
import { defineCommand } from '../command.ts';
import { begin, fillingOf, inCourse, nextEntry, progressOf, say, speechFlags, speechOf, wordsOf } from '../learn-session.ts';
import { taskLines } from '../learn-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { ...speechFlags, skip: { kind: 'bool', help: 'Put the current exercise off, though it is not done' } },
  async run({ flags }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    await inCourse(speech, async () => {
      let progress = progressOf();
      let at = progress.current?.id;
      if (flags.skip && at !== undefined) {
        progress = changeRecord(at, { skipped: true });
        say([words.putOff(at)]);
      }
      const passedOver = new Set<string>();
      for (;;) {
        const entry = nextEntry(progress, at);
        if (!entry || passedOver.has(entry.id)) return say([words.allDone]);
        const reasons = await obstacles(await entry.load());
        if (reasons.length === 0) {
          const { current } = await begin(entry, speech);
          return say([words.begun(entry.id), '', ...taskLines(entry, fillingOf(current.facts), speech), words.workIn, words.commands]);
        }
        say([`${words.skippedBecause(entry.id)}: ${reasons.map((reason) => reason[speech.language]).join('; ')}`]);
        passedOver.add(entry.id);
        at = entry.id;
      }
    });
  },
});
