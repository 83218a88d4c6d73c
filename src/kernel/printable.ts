/**
 * Text that others wrote (names of files and processes, arguments, layers' instructions), for a person's terminal: control
 * characters would be orders to it. See console_codes(4); ECMA-48.
 */

/** For one line: what would break it becomes a space, other control characters `?`. */
export const printable = (text: string): string => printableLines(text).replace(/[\t\n]/g, ' ');

/** For several lines: tabs and line breaks stay. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
export const printableLines = (text: string): string => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?');
