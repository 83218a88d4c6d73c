/**
 * hako, the client: finds the command in the index, loads only that one, parses its words and runs it.
 * Nothing of the engine is loaded here, nor anything that the command does not need: most of a command's time is Node's start.
 */
import { existsSync, writeSync } from 'node:fs';
import { nearNames } from '../element/near.ts';
import { CommandError, isCommandError, UsageError, type Entry } from './command.ts';
import { commands } from './commands.ts';
import { parse } from './parse.ts';
import { complain, print } from './terminal-text.ts';

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
    if (!entry && group?.alone !== undefined && word.startsWith('-')) return runCommand(entries[group.alone]!, words.slice(i), path, group);
    if (!entry) return unknownCommand(word, path, entries);
    path.push(word);
    if (entry.load) return runCommand(entry, words.slice(i + 1), path, group);
    entries = entry.commands!;
    group = entry;
  }
  if (group?.alone !== undefined) return runCommand(entries[group.alone]!, [], path, group);
  return printHelp(group ? path : []);
}

async function runCommand(entry: Entry, words: readonly string[], path: readonly string[], group?: Entry): Promise<number> {
  try {
    const { command } = await entry.load!();
    const parsed = parse(command, words, path.join(' '));
    if (parsed.help) return await printHelp(path);
    if (group?.readsProc && !existsSync('/proc/self/status'))
      throw new CommandError('no procfs is mounted at /proc, by which the kernel tells of its processes: mount one with: mount -t proc proc /proc');
    return (await command.run(parsed)) ?? 0;
  } catch (error) {
    return report(error, path);
  }
}

/** Writes what went wrong; a mistake of usage is followed by where the right usage is told. */
function report(error: unknown, path: readonly string[]): number {
  if (error instanceof Error && error.name === 'AddonError') {
    complain(error.message); // of a command that makes system calls, in a clone that is not whole
    return 125;
  }
  if (!isCommandError(error)) {
    // A defect of ours: the stack is what helps to find it.
    complain(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
    return 125;
  }
  if (error.message) complain(error.message);
  if ('ofUsage' in error) process.stderr.write(`See '${['hako', ...path].join(' ')} --help'.\n`);
  if (error.hint) print(`${error.hint}\n`, process.stderr);
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
  const near = nearNames(word, Object.keys(entries));
  const what = word.startsWith('-') ? `unknown flag: ${word.replace(/=.*/, '')}` : `unknown command: ${['hako', ...path, word].join(' ')}`;
  const suggestion = near.length && !word.startsWith('-') ? `, did you mean ${near.slice(0, 3).join(' or ')}?` : '';
  return report(new UsageError(`${what}${suggestion}`, word.startsWith('-') ? 125 : 1), path);
}

/** Resolves when what was written has gone out; not before a write that failed has said so, which it does later than it is done. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

// A reader that went away (`hako logs … | head`) ends the command as SIGPIPE would; a full disk is told.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(141);
    // Straight to the descriptor: nothing of the process goes on after this.
    if (stream === process.stdout) writeSync(2, `hako: the output cannot be written: ${code ?? message}\n`);
    process.exit(1);
  });
}
// No await here at the top: the bundle is CommonJS, which starts sooner than an ES module (docs/decisions/bundle.md).
void main(process.argv.slice(2)).then(async (code) => {
  await Promise.all([drained(process.stdout), drained(process.stderr)]);
  process.exit(code);
});
