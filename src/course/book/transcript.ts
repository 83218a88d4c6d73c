/**
 * What a terminal would show of a solution: each command line with what was printed before the next one. A script is cut where a command
 * line is whole (bash -n says so), a mark is printed before each, and the output is cut at the marks. The script is otherwise run as it
 * is, by one bash: variables, jobs and errors are what they would be. Of a line with variables or substitutions the reader sees what
 * became of them, too, as the shell traces it. See bash(1), "-n", "BASH_XTRACEFD", "PS4".
 */

/** A command line of a script, of one or more lines, and what came of it. */
export interface Line {
  readonly command: string;
  /** What was run where that is not what is written: with the values of variables and substitutions. */
  readonly expanded: readonly string[];
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
const trace = '\x1d'; // its group separator; the shell writes it once for each depth of substitution

/** One line, with something in it that the shell replaces, and done before the next one begins. What is longer explains itself by its output. */
const isTraced = (piece: string): boolean => /\$/.test(piece) && !piece.endsWith('&') && piece.split('\n').filter((line) => !line.startsWith('#')).length === 1;

/**
 * The script with its marks; both outputs are one, as on a terminal. Traces go to a descriptor of their own, since a part of the script
 * may have its standard error elsewhere; it is open for the traced lines alone.
 * @param nonce what no command prints
 */
export const marked = (pieces: readonly string[], nonce: string): string =>
  [
    `exec 2>&1; PS4=$'\\035${nonce} '`,
    ...pieces.flatMap((piece, i) => [
      `printf '\\036${nonce}.${i}\\036'`,
      ...(isTraced(piece) ? ['exec 99>&1; BASH_XTRACEFD=99; set -x', piece, 'set +x; unset BASH_XTRACEFD'] : [piece]),
    ]),
  ].join('\n');

/** The command lines with their outputs. What the script did not come to is not among them. */
export function transcript(pieces: readonly string[], output: string, nonce: string): Line[] {
  const [, ...parts] = output.split(new RegExp(`${separator}${nonce}\\.(\\d+)${separator}`));
  const lines: Line[] = [];
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const command = pieces[Number(parts[i])]!;
    const { traces, rest } = withoutTraces(parts[i + 1]!, nonce);
    const bare = (text: string): string => text.replace(/['"\\]/g, '');
    const expanded = traces.filter((text) => text !== 'set +x' && !bare(command).includes(bare(text)));
    lines.push({ command, expanded: expanded.length > mostExpanded ? [] : expanded, output: asTyped(rest) });
  }
  return lines;
}

/** A loop over more than that would hide what it is about. */
const mostExpanded = 6;

/** Takes the traces out. Those of the script's own shell are given, not of its substitutions. */
function withoutTraces(text: string, nonce: string): { readonly traces: readonly string[]; readonly rest: string } {
  const traces: string[] = [];
  let rest = '';
  let from = 0;
  for (const mark = new RegExp(`(${trace}+)${nonce} `, 'g'); ;) {
    const found = mark.exec(text);
    rest += text.slice(from, found?.index);
    if (!found) return { traces, rest };
    const end = endOfTrace(text, mark.lastIndex);
    if (found[1]!.length === 1) traces.push(text.slice(mark.lastIndex, end));
    from = mark.lastIndex = Math.min(end + 1, text.length);
  }
}

/** A trace ends with its line; a line break in quotes is of a word. */
function endOfTrace(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "'") quoted = !quoted;
    else if (text[at] === '\\' && !quoted) at++;
    else if (text[at] === '\n' && !quoted) return at;
  }
  const line = text.indexOf('\n', from);
  return line < 0 ? text.length : line;
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
