/**
 * hako-oci, the OCI runtime: reads the flags that hold for every command, loads the command and nothing else, and runs it.
 * It is called several times for each container, so what it does not need it does not load.
 */
import { checkCount, readWords } from './command-line.ts';
import { commands } from './commands.ts';
import { isOciError, OciError, systemSentence } from './error.ts';
import { openLog, type Log } from './log.ts';
import { print } from './print.ts';
import { globalFlags, logOf, settingsOf } from './settings.ts';

/** Runs one command line. @returns its exit status */
export async function main(words: readonly string[]): Promise<number> {
  let log: Log = openLog({ format: 'text', level: 'warning' });
  try {
    const read = readWords(globalFlags, words, true);
    if (read.help) return await printHelp();
    if (read.flags.version) return await printVersion();
    const [name, ...rest] = read.args;
    if (name === undefined || name === 'help' || name === 'h') return await printHelp(rest[0]);
    log = logOf(read.flags);
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!entry) throw new OciError(`unknown command "${name}": see hako-oci --help`);
    const { command } = await entry.load();
    const invocation = readWords(command.flags, rest, command.ownsRest);
    if (invocation.help) return await printHelp(name);
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
    return isOciError(error) ? error.code : 1;
  }
  const sentence = systemSentence(error);
  if (sentence === undefined) log.error(`internal error: ${error instanceof Error ? error.stack : String(error)}`);
  else {
    log.debug((error as Error).stack!);
    log.error(sentence);
  }
  return 1;
}

async function printHelp(name?: string): Promise<number> {
  const { helpText } = await import('./help.ts');
  print(await helpText(name));
  return 0;
}

async function printVersion(): Promise<number> {
  const { versionText } = await import('./version.ts');
  print(versionText());
  return 0;
}

// No await here at the top: the bundle is CommonJS (docs/decisions/bundle.md).
void main(process.argv.slice(2)).then((code) => process.exit(code));
