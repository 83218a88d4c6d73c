/**
 * hako-oci, the OCI runtime: reads the flags that hold for every command, loads the command and nothing else, and runs it.
 * It is called several times for each container, so what it does not need it does not load.
 */
import { exit } from '../kernel/exit.ts';
import { checkCount, readWords } from './command-line.ts';
import type { Command } from './command.ts';
import { OciError, systemSentence } from './error.ts';
import { openLog, type Log } from './log.ts';
import { print } from './print.ts';
import { globalFlags, logOf, settingsOf } from './settings.ts';
import { versionText } from './version.ts';

/** What the program knows of its commands. */
export interface Program {
  /** Gives a command by its name; undefined where there is none of that name. */
  readonly load: (name: string) => Promise<Command | undefined>;
  /** The help of a command, or of the whole program. @throws OciError where there is no such command */
  readonly help: (name?: string) => Promise<string>;
}

/** Runs this process's command line, and ends the process with its exit status. */
export function runProgram(program: Program): void {
  void run(process.argv.slice(2), program).then(exit);
}

/** Runs one command line. @returns its exit status */
async function run(words: readonly string[], program: Program): Promise<number> {
  let log: Log = openLog({ format: 'text', level: 'warning' });
  try {
    const read = readWords(globalFlags, words, true);
    if (read.help) return printText(await program.help());
    if (read.flags.version) return printText(versionText());
    const [name, ...rest] = read.args;
    if (name === undefined || name === 'help' || name === 'h') return printText(await program.help(rest[0]));
    log = logOf(read.flags);
    const command = await program.load(name);
    if (!command) throw new OciError(`unknown command "${name}": see hako-oci --help`);
    const invocation = readWords(command.flags, rest, command.ownsRest);
    if (invocation.help) return printText(await program.help(name));
    checkCount(name, command.count, invocation.args.length);
    return (await command.run(invocation, settingsOf(read.flags, log))) ?? 0;
  } catch (error) {
    return report(error, log);
  } finally {
    log.flush();
  }
}

/** Errors that are sentences; anything else is a defect of ours, and its stack helps to find it. */
const sentences = new Set(['OciError', 'StepError', 'KernelError', 'CgroupError', 'SpecError', 'MountError']);

function report(error: unknown, log: Log): number {
  if (error instanceof Error && sentences.has(error.name)) {
    for (const failure of (error as { undoFailures?: readonly string[] }).undoFailures ?? []) log.warn(`could not be taken back: ${failure}`);
    log.error(error.message);
    return error instanceof OciError ? error.code : 1;
  }
  const sentence = systemSentence(error);
  if (sentence === undefined) log.error(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
  else {
    log.debug((error as Error).stack!);
    log.error(sentence);
  }
  return 1;
}

function printText(text: string): number {
  print(text);
  return 0;
}
