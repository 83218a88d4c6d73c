/**
 * What a terminal would show of a solution: each command line with what was printed before the next one. A script is cut where a command
 * line is whole (bash -n says so), a mark is printed before each, and the output is cut at the marks. The script is otherwise run as it
 * is, by one bash: variables, jobs and errors are what they would be. See bash(1), "-n".
 */

/** A command line of a script, of one or more lines, and what came of it. */
export interface Line {
  readonly command: string;
  readonly output: string;
}

/**
 * Lines of bash(1) that read a script from their standard input and print the numbers of the lines that end a command line. What is not
 * whole makes `bash -n` fail or complain (an open here-document); comments belong to what follows them.
 */
export const cutter = `
export LC_ALL=C
piece= only_comments=1 n=0
while IFS= read -r line; do
  n=$((n + 1)) piece+=$line$'\\n'
  if [[ $line =~ ^[[:space:]]*(#.*)?$ && $only_comments = 1 || $line == *\\\\ ]]; then continue; fi
  only_comments=0
  if said=$(bash -n -c "$piece" 2>&1) && [[ -z $said ]]; then echo "$n"; piece= only_comments=1; fi
done`;

/** A script in its command lines. @param ends what {@link cutter} printed */
export function cut(script: string, ends: string): string[] {
  const lines = script.split('\n');
  const last = ends.split('\n').filter(Boolean).map(Number);
  return [0, ...last]
    .map((from, i) => lines.slice(from, last[i] ?? lines.length).join('\n'))
    .map((piece) => piece.replace(/^\n+|\n+$/g, ''))
    .filter((piece) => piece !== '');
}

const separator = '\x1e'; // the record separator of ASCII

/** The script with its marks; both outputs are one, as on a terminal. @param nonce what no command prints */
export const marked = (pieces: readonly string[], nonce: string): string =>
  ['exec 2>&1', ...pieces.flatMap((piece, i) => [`printf '\\036${nonce}.${i}\\036'`, piece])].join('\n');

/** The command lines with their outputs. What the script did not come to is not among them. */
export function transcript(pieces: readonly string[], output: string, nonce: string): Line[] {
  const [, ...parts] = output.split(new RegExp(`${separator}${nonce}\\.(\\d+)${separator}`));
  const lines: Line[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) lines.push({ command: pieces[Number(parts[i])]!, output: asTyped(parts[i + 1]!) });
  return lines;
}

/** As a shell says it that is typed into: without the number of the line. */
const asTyped = (text: string): string => text.replace(/^bash: line \d+: /gm, 'bash: ');

/** How much of one output a page shows: lines from its beginning and from its end. */
const shown = { first: 40, last: 10 };

/** An output, its middle left out where it is long. @param omitted the sentence for so many lines */
export function shortened(output: string, omitted: (lines: number) => string): string {
  const lines = output.replace(/\n+$/, '').split('\n');
  const more = lines.length - shown.first - shown.last;
  return more <= 1 ? lines.join('\n') : [...lines.slice(0, shown.first), omitted(more), ...lines.slice(-shown.last)].join('\n');
}
