/** The client's own terminal: raw mode while a container's terminal is attached, its size, and back. */
import { CommandError } from './command.ts';

/** Rows and columns of the terminal that the output goes to; `undefined` where there is none. */
export function terminalSize(): [height: number, width: number] | undefined {
  const { stdout } = process;
  return stdout.isTTY ? [stdout.rows, stdout.columns] : undefined;
}

/**
 * Puts the terminal into raw mode: keys go to the container as they are typed.
 * @returns what puts it back; harmless to call twice
 */
export function enterRawMode(): () => void {
  const { stdin } = process;
  if (!stdin.isTTY || stdin.isRaw) return () => {};
  stdin.setRawMode(true);
  if (process.stdout.isTTY) leaveOutputAlone();
  const leave = (): void => {
    if (stdin.isRaw) stdin.setRawMode(false);
    process.off('exit', leave);
  };
  process.on('exit', leave);
  return leave;
}

/**
 * Node's raw mode still writes each line feed as carriage return and line feed. The container's own terminal has done that
 * already, or its program wants it not done: an editor moves the cursor straight down by a line feed. Leaving raw mode undoes this.
 */
function leaveOutputAlone(): void {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { error } = spawnSync('stty', ['-opost'], { stdio: [0, 'ignore', 'ignore'] });
  if (error) process.stderr.write('hako: stty is missing, so full-screen programs may be drawn askew\r\n');
}

/** Calls back with the size, now and each time it changes. @returns what ends this */
export function followSize(onSize: (height: number, width: number) => void): () => void {
  const tell = (): void => {
    const size = terminalSize();
    if (size) onSize(...size);
  };
  process.stdout.on('resize', tell);
  tell();
  return () => process.stdout.off('resize', tell);
}

/** @throws CommandError when a terminal is asked for and stdin, which is to be its keyboard, is none */
export function requireTerminal(interactive: boolean, terminal: boolean): void {
  if (interactive && terminal && !process.stdin.isTTY) {
    throw new CommandError('the input device is not a TTY', { hint: 'Leave out -t, or run the command from a terminal.' });
  }
}
