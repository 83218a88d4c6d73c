/**
 * hako, the client: finds the command in the index, loads only that one, parses its words and runs it.
 * Nothing of the engine is loaded here, nor anything that the command does not need: most of a command's time is Node's start.
 */
import { CommandError, UsageError, type Entry } from './command.ts';
import { commands } from './commands.ts';
import { parse } from './parse.ts';

/** Runs one command line. @returns its exit code */
export async function main(words: readonly string[]): Promise<number> {
  let entries: Readonly<Record<string, Entry>> = commands;
  let group: Entry | undefined;
  const path: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--help' || word === '-h') return printHelp(path);
    if (i === 0 && (word === '--version' || word === '-v')) return runCommand(commands['version']!, ['--client'], ['version']);
    if (i === 0 && word === 'help') return printHelp(words.slice(1).filter((w) => !w.startsWith('-')));
    const entry = Object.hasOwn(entries, word) ? entries[word] : undefined;
    if (!entry) return unknownCommand(word, path, entries);
    path.push(word);
    if (entry.load) return runCommand(entry, words.slice(i + 1), path);
    entries = entry.commands!;
    group = entry;
  }
  return printHelp(group ? path : []);
}

async function runCommand(entry: Entry, words: readonly string[], path: readonly string[]): Promise<number> {
  const { command } = await entry.load!();
  try {
    const parsed = parse(command, words, path.join(' '));
    return parsed.help ? printHelp(path) : ((await command.run(parsed)) ?? 0);
  } catch (error) {
    return report(error, path);
  }
}

/** Writes what went wrong; a mistake of usage is followed by where the right usage is told. */
function report(error: unknown, path: readonly string[]): number {
  if (!(error instanceof CommandError)) {
    // A defect of ours: the stack is what helps to find it.
    process.stderr.write(`hako: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
    return 125;
  }
  if (error.message) process.stderr.write(`hako: ${error.message}\n`);
  if (error instanceof UsageError) process.stderr.write(`See '${['hako', ...path].join(' ')} --help'.\n`);
  if (error.hint) process.stderr.write(`${error.hint}\n`);
  return error.exitCode;
}

async function printHelp(path: readonly string[]): Promise<number> {
  const { helpText } = await import('./help.ts');
  try {
    process.stdout.write(await helpText(path));
    return 0;
  } catch (error) {
    return report(error, []);
  }
}

function unknownCommand(word: string, path: readonly string[], entries: Readonly<Record<string, Entry>>): number {
  const near = Object.keys(entries).filter((name) => isNear(name, word));
  const what = word.startsWith('-') ? `unknown flag: ${word.replace(/=.*/, '')}` : `unknown command: ${['hako', ...path, word].join(' ')}`;
  const suggestion = near.length && !word.startsWith('-') ? `, did you mean ${near.slice(0, 3).join(' or ')}?` : '';
  return report(new UsageError(`${what}${suggestion}`, word.startsWith('-') ? 125 : 1), path);
}

/** One letter more, less, or other; or two neighbours exchanged. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || b.length < 2) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [inA, inB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return Math.max(inA.length, inB.length) <= 1 || (inA.length === 2 && inA === [...inB].reverse().join(''));
}

/** Resolves when what was written has gone out. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}

// A reader that went away (`hako logs … | head`) ends the command as SIGPIPE would.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 141 : 1));
}
// No await here at the top: the bundle is CommonJS, which starts sooner than an ES module (docs/decisions/bundle.md).
void main(process.argv.slice(2)).then(async (code) => {
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  process.exit(code);
});
