/**
 * What others wrote, on its way to a person's terminal: what prints text in columns or in lines of a width, lists and errors, makes it
 * harmless by these; who writes lines by itself does too. JSON keeps the very values.
 */
import { printable, printableLines } from '../kernel/printable.ts';
import { styles } from './paint.ts';

export { printable, printableLines };

const colours = new RegExp(String.raw`(\x1b\[(?:${Object.values(styles).join('|')})m)`, 'g');

/** {@link printableLines} of text that may be painted: whoever names a file so can change its colour, and nothing else. */
export const printablePainted = (text: string): string =>
  text
    .split(colours)
    .map((part, i) => (i % 2 ? part : printableLines(part)))
    .join('');

/** Text without its paint: what counts for its width. */
export const withoutPaint = (text: string): string => text.replace(colours, '');

/** Writes text to a person. */
export const print = (text: string, stream: NodeJS.WriteStream = process.stdout): void => void stream.write(printablePainted(text));

/** Tells a person what went wrong, or is left out: never painted, so that a colour in it is of what it names. */
export const complain = (message: string): void => void process.stderr.write(printableLines(`hako: ${message}\n`));
