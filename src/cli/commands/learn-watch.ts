/** `hako learn watch`: looks again and again while the learner works in other terminals, until the exercise is done. */
import { setTimeout as pause } from 'node:timers/promises';
import { lookAtExercise, type Seen } from '../../course/session.ts';
import { defineCommand } from '../command.ts';
import { fullScreen, type FullScreen } from '../full-screen.ts';
import { doing, fillingOf, inCourse, nextEntry, progressOf, say, speechFlags, speechOf, wordsOf, type Doing } from '../learn-session.ts';
import { debriefLines, standpointLine, standpointLines, taskLines, type Speech } from '../learn-text.ts';
import { wrapProse } from '../prose.ts';

/** Between two looks, in milliseconds. */
const interval = 500;

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'On a terminal the conditions are drawn in place; elsewhere a line is written for each that changes. q or ctrl-C ends it.',
  count: [0, 0],
  flags: speechFlags,
  async run({ flags }) {
    const speech = speechOf(flags);
    const words = wordsOf(speech);
    return await inCourse(speech, async () => {
      const at = await doing(speech);
      const passed = process.stdout.isTTY ? await onScreen(at, speech) : await inLines(at, speech);
      if (!passed) return 1;
      const next = nextEntry(progressOf(), at.entry.id);
      say([
        words.passed(at.entry.id),
        '',
        ...debriefLines(at.entry, fillingOf(at.current.facts), speech),
        words.answersBy,
        next ? words.nextIs(next.id, next.lessons[speech.language].title) : words.allDone,
      ]);
      return 0;
    });
  },
});

const look = ({ exercise, current }: Doing): Promise<Seen> => lookAtExercise(exercise, current, progressOf());

async function inLines(at: Doing, speech: Speech): Promise<boolean> {
  const told = new Map<string, boolean>();
  for (;;) {
    const seen = await look(at);
    for (const standpoint of seen.standpoints) {
      const { id } = standpoint.condition;
      if (told.get(id) !== standpoint.finding.ok) say([standpointLine(standpoint, speech)]);
      told.set(id, standpoint.finding.ok);
    }
    if (seen.passed) return true;
    await pause(interval);
  }
}

async function onScreen(at: Doing, speech: Speech): Promise<boolean> {
  const screen = fullScreen();
  try {
    for (;;) {
      const seen = await look(at);
      draw(screen, at, seen, speech);
      // So that the last line to turn green is seen, and not only the text after it.
      if (seen.passed) {
        await screen.keysFor(2 * interval, () => true);
        return true;
      }
      if (await screen.keysFor(interval, (key) => key === 'q')) return false;
    }
  } finally {
    screen.leave();
  }
}

/** The conditions at the top, since they are what changes; of the task as much as there is room for. */
function draw(screen: FullScreen, { entry, current }: Doing, seen: Seen, speech: Speech): void {
  const { columns, lines } = screen.size();
  const fitting = { ...speech, width: Math.min(speech.width, columns) };
  const [title = '', , ...rest] = taskLines(entry, fillingOf(current.facts), fitting);
  const state = standpointLines(seen, fitting);
  const foot = wrapProse(wordsOf(speech).watching, fitting.width);
  const room = Math.max(0, lines - 4 - state.length - foot.length);
  screen.draw(
    [
      title,
      '',
      ...state,
      '',
      ...rest.slice(0, room).concat(Array<string>(Math.max(0, room - rest.length)).fill('')),
      '',
      ...foot.map((line) => fitting.paint('dim', line)),
    ].slice(0, lines),
  );
}
