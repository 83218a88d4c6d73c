/**
 * A full screen on the client's terminal: the other screen of the terminal is used, so that what was there comes back, and each drawing
 * goes over the last one in a single write, so that nothing flickers. See console_codes(4).
 */

/** What keys come as: a letter, or the name of an arrow. */
export type Key = string;

export interface FullScreen {
  size(): { readonly columns: number; readonly lines: number };
  /** Draws lines from the top; none may be longer than the screen is wide. */
  draw(lines: readonly string[]): void;
  /**
   * Waits, and hands over the keys that are pressed meanwhile; also draws again by itself when the size changes.
   * @param act returns true to end
   * @returns whether it was ended: by a key, or by ctrl-C or a signal
   */
  keysFor(milliseconds: number, act: (key: Key) => boolean): Promise<boolean>;
  /** Gives the terminal back as it was; harmless to call twice. */
  leave(): void;
}

const enter = '\x1b[?1049h\x1b[?25l\x1b[2J';
const back = '\x1b[?25h\x1b[?1049l';
/** Terminals that know it show what comes between at once (synchronized output); others pass it over. */
const [begin, end] = ['\x1b[?2026h', '\x1b[?2026l'];
const arrows: Readonly<Record<string, Key>> = { '\x1b[A': 'up', '\x1bOA': 'up', '\x1b[B': 'down', '\x1bOB': 'down' };

/** Takes the terminal. */
export function fullScreen(): FullScreen {
  const { stdin, stdout } = process;
  const raw = stdin.isTTY;
  let last: readonly string[] = [];
  let left = false;
  let ended = false;
  let wake = (): void => {};
  let act: (key: Key) => boolean = () => false;

  const draw = (lines: readonly string[]): void => {
    last = lines;
    stdout.write(`${begin}\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J${end}`);
  };
  const finish = (): void => {
    ended = true;
    wake();
  };
  const onData = (data: Buffer): void => {
    for (const key of keysIn(data.toString('latin1'))) if (key === '\x03' || act(key)) finish();
  };
  const onResize = (): void => draw(last);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const leave = (): void => {
    if (left) return;
    left = true;
    stdout.write(back);
    if (raw) {
      stdin.setRawMode(false);
      stdin.off('data', onData).pause();
    }
    stdout.off('resize', onResize);
    for (const signal of signals) process.off(signal, finish);
    process.off('exit', leave);
  };

  stdout.write(enter);
  if (raw) stdin.setRawMode(true).on('data', onData).resume();
  stdout.on('resize', onResize);
  for (const signal of signals) process.on(signal, finish);
  process.on('exit', leave);
  return {
    size: () => ({ columns: Math.max(stdout.columns || 80, 20), lines: Math.max(stdout.rows || 24, 5) }),
    draw,
    leave,
    async keysFor(milliseconds, take) {
      act = take;
      if (!ended) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, milliseconds);
          wake = () => (clearTimeout(timer), resolve());
        });
      }
      act = () => false;
      return ended;
    },
  };
}

/** The keys in what a terminal sent at once. */
function keysIn(text: string): Key[] {
  const keys: Key[] = [];
  for (let at = 0; at < text.length;) {
    const arrow = arrows[text.slice(at, at + 3)];
    keys.push(arrow ?? text[at]!);
    at += arrow ? 3 : 1;
  }
  return keys;
}
