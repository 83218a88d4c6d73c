/** `hako learn list` */
import { chapters } from '../../course/catalogue.ts';
import { textIn } from '../../course/exercise.ts';
import { obstacles } from '../../course/session.ts';
import { findLab } from '../../lab/lab.ts';
import { defineCommand } from '../command.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';
import { inCourse, progressOf, say, speechFlags, speechOf } from '../learn-session.ts';
import { listLines } from '../learn-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'Chapters and exercises: ✓ done, → current. With --check also which of them this machine cannot do, and what would enable them.',
  count: [0, 0],
  flags: { ...speechFlags, check: { kind: 'bool', help: 'Try out what each exercise needs (in the lab)' }, format: jsonFormatFlag },
  async run({ flags }) {
    const speech = speechOf(flags);
    await inCourse(speech, async () => {
      const progress = progressOf();
      const reasons = new Map<string, string>();
      if (flags.check)
        for (const entry of chapters().flatMap(({ exercises }) => exercises)) {
          const found = await obstacles(await entry.load(), findLab());
          if (found.length > 0) reasons.set(entry.id, found.map((reason) => textIn(reason, speech.language)).join('; '));
        }
      if (asksForJson(flags.format)) {
        const list = chapters().flatMap(({ number, title, exercises }) =>
          exercises.map(({ id, lessons }) => ({
            id,
            chapter: number,
            chapterTitle: title[speech.language],
            title: lessons[speech.language].title,
            passed: progress.exercises[id]?.passed ?? null,
            current: progress.current?.id === id,
            obstacle: reasons.get(id) ?? null,
          })),
        );
        process.stdout.write(`${JSON.stringify(list)}\n`);
        return;
      }
      say(listLines(chapters(), progress, reasons, speech));
    });
  },
});
