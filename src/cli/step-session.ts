/**
 * The person's side of a stepwise start: each step is shown as it comes, and a key says what becomes of it. From a terminal one key is
 * enough; from a pipe it is a line each, which makes it scriptable. The engine waits meanwhile with a half-made container.
 */
import { createInterface } from 'node:readline';
import type { StepAnswer, StepMessage } from '../api/schema.ts';
import { ApiError, hijack, segment } from './client.ts';
import { CommandError } from './command.ts';
import { explanationText } from './explain.ts';
import { painter, textWidth, type TextOptions } from './paint.ts';
import { print } from './terminal-text.ts';
import { resultText } from './trace-text.ts';

export interface StepSession {
  /** Before which steps is asked: all, or these ids and areas. */
  readonly before: string;
  /** What the person does. */
  readonly hand: string;
  readonly trace: boolean;
  /** The container's name, for what is told. */
  readonly name: string;
}

type Key = StepAnswer['do'] | 'more';
const keys: Readonly<Record<string, Key>> = {
  '\r': 'take',
  '\n': 'take',
  '': 'take',
  d: 'take',
  s: 'skip',
  e: 'more',
  r: 'rest',
  a: 'abort',
  '\x03': 'abort',
  '\x04': 'abort',
  q: 'abort',
};

/** Whether a person gave the start up: then nothing is left of it. */
class GivenUp extends CommandError {
  readonly givenUp = true;
}

/**
 * Leads a container's start.
 * @throws GivenUp, or ApiError when it failed
 */
export async function stepThroughStart(id: string, session: StepSession): Promise<void> {
  const { socket, head } = await hijack(`/containers/${segment(id)}/steps/start`, {
    query: { before: session.before, hand: session.hand, trace: session.trace },
  });
  socket.unshift(head);
  const screen = new Screen(session.name);
  const keyboard = openKeyboard();
  const answer = (what: StepAnswer['do']): void => void (socket.writable && socket.write(`${JSON.stringify({ do: what } satisfies StepAnswer)}\n`));
  try {
    let asked: Extract<StepMessage, { kind: 'step' }> | undefined;
    keyboard.onKey((key) => {
      if (key === 'more' && asked) void screen.more(asked).then(() => asked && screen.keys(asked, keyboard.single));
      else if (key !== 'more' && asked) {
        if (key === 'skip' && asked.needed !== undefined) {
          screen.say(`it can't be left out: ${asked.needed}`);
          screen.keys(asked, keyboard.single);
          return true;
        }
        asked = undefined;
        answer(key);
      } else if (key === 'abort') answer('abort');
      // What was typed ahead is for the next step.
      else return false;
      return true;
    });
    for await (const line of createInterface({ input: socket })) {
      const message = JSON.parse(line) as StepMessage;
      if (message.kind === 'started') return;
      if (message.kind === 'failed') throw failureOf(message);
      if (message.kind === 'step') {
        asked = message;
        screen.step(message, keyboard.single);
        keyboard.ready();
      } else if (message.kind === 'goal') screen.goal(message.conditions);
      else {
        asked = undefined;
        screen.taken(message);
      }
    }
    throw new CommandError('the engine went away while the container was being started', { exitCode: 125 });
  } finally {
    keyboard.close();
    socket.destroy();
  }
}

function failureOf({ status, message, aborted, undone }: Extract<StepMessage, { kind: 'failed' }>): Error {
  const took = undone.length ? `taken back: ${[...new Set(undone.map((line) => line.replace(/:.*/s, '')))].join(', ')}` : 'nothing was to be taken back';
  return aborted ? new GivenUp(`${message}; ${took}`, { exitCode: 125 }) : new ApiError(status, message);
}

/** What is shown, on standard error: standard output is the container's. */
class Screen {
  readonly #name: string;
  readonly #layout: TextOptions = { paint: painter(process.stderr), width: textWidth(process.stderr) };
  #count = 0;
  #met = new Set<string>();

  constructor(name: string) {
    this.#name = name;
  }

  say(text: string): void {
    // The keyboard's raw mode still writes each line feed as carriage return and line feed.
    print(`${text}\n`, process.stderr);
  }

  step(message: Extract<StepMessage, { kind: 'step' }>, single: boolean): void {
    const { step, lane, pid, hand } = message;
    const where =
      lane === 'process' ? 'the new process is to do it' : lane === 'monitor' ? 'the process that will make it is to do it' : 'the engine is to do it';
    const look = pid === undefined ? '' : `; look in from another terminal: hako attach-step ${this.#name}, or nsenter -t ${pid} -a`;
    this.say(this.#layout.paint('dim', `── ${++this.#count} ── ${hand ? 'your turn' : where}${pid === undefined ? '' : ` (process ${pid})`}${look}`));
    this.say(explanationText([{ ...step, inside: [] }], { ...this.#layout, numbers: false }).trimEnd());
    this.#met.clear();
    this.keys(message, single);
  }

  /** What can be answered. */
  keys({ hand, needed }: Extract<StepMessage, { kind: 'step' }>, single: boolean): void {
    const take = hand ? 'd: do it for me' : `${single ? 'Enter' : 'd'}: do it`;
    this.say(
      this.#layout.paint(
        'bold',
        `[${[take, ...(needed === undefined ? ['s: leave it out'] : []), 'e: explain more', ...(hand ? [] : ['r: run the rest']), 'a: abort and undo'].join(' · ')}]`,
      ),
    );
  }

  /** The step's page of the manual, and the steps inside it. */
  async more({ step }: Extract<StepMessage, { kind: 'step' }>): Promise<void> {
    const [{ readManual }, { pageText }, { languageOf }] = await Promise.all([
      import('../manual/manual.ts'),
      import('./manual-text.ts'),
      import('./language.ts'),
    ]);
    const manual = readManual();
    const language = languageOf(undefined);
    const page = manual.pages[language].find(({ id }) => id === step.id);
    const example = manual.examples.find(({ id }) => id === step.id);
    if (page && example) this.say(pageText({ page, example }, manual, language, this.#layout).trimEnd());
    if (step.inside.length) this.say(explanationText(step.inside, this.#layout).trimEnd());
  }

  goal(conditions: Extract<StepMessage, { kind: 'goal' }>['conditions']): void {
    for (const { what, expected, found, holds } of conditions) {
      const text = holds ? `✓ ${what}: ${expected || 'nothing'}` : `✗ ${what}: expected ${expected || 'nothing'}, found ${found || 'nothing'}`;
      if (!this.#met.has(text)) this.say(this.#layout.paint(holds ? 'green' : 'yellow', text));
      this.#met.add(text);
    }
  }

  taken({ id, by, calls }: Extract<StepMessage, { kind: 'taken' }>): void {
    const last = calls.at(-1);
    const said = { engine: `done${last ? resultText(last) : ''}`, process: 'the process goes on', hand: 'done by hand', nobody: 'left out' }[by];
    this.say(this.#layout.paint('dim', `   ${id}: ${said}`));
  }
}

interface Keyboard {
  /** One key is an answer, without a line feed. */
  readonly single: boolean;
  /** @param take says whether it had use for the key; else the key is kept */
  onKey(take: (key: Key) => boolean): void;
  /** Offers what was typed ahead. */
  ready(): void;
  close(): void;
}

function openKeyboard(): Keyboard {
  const { stdin } = process;
  const single = stdin.isTTY;
  const ahead: Key[] = [];
  let take: (key: Key) => boolean = () => false;
  const ready = (): void => {
    while (ahead.length && take(ahead[0]!)) ahead.shift();
  };
  const typed = (word: string): void => {
    const key = keys[word];
    if (key === undefined) return;
    ahead.push(key);
    ready();
  };
  const onData = (data: Buffer): void => {
    for (const character of data.toString()) typed(character);
  };
  const lines = single ? undefined : createInterface({ input: stdin });
  if (single) {
    stdin.setRawMode(true);
    stdin.on('data', onData);
  } else lines!.on('line', (line) => typed(line.trim().slice(0, 1))).once('close', () => typed('a'));
  return {
    single,
    onKey(taker) {
      take = taker;
    },
    ready,
    close() {
      take = () => false;
      lines?.close();
      if (!single) return;
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
