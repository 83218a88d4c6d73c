/** The help, made of the same tables from which the command line is read. */
import type { Flags } from './command.ts';
import { commands } from './commands.ts';
import { OciError } from './error.ts';
import { globalFlags } from './settings.ts';

/** The help of a command, or of the whole program. @throws OciError where there is no such command */
export async function helpText(name?: string): Promise<string> {
  if (name === undefined) {
    const width = Math.max(...Object.keys(commands).map((command) => command.length));
    const lines = Object.entries(commands).map(([command, { summary }]) => `  ${command.padEnd(width)}  ${summary}\n`);
    return `Usage: hako-oci [OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]\n\nRuns containers of OCI bundles, in place of runc.\n\nCommands:\n${lines.join('')}\nOptions:\n${flagLines(globalFlags)}`;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) throw new OciError(`unknown command "${name}": see hako-oci --help`);
  const { command } = await entry.load();
  const options = Object.keys(command.flags).length > 0;
  const sentence = entry.summary.slice(0, 1).toUpperCase() + entry.summary.slice(1);
  return (
    `Usage: hako-oci ${[name, options && '[OPTIONS]', command.usage].filter(Boolean).join(' ')}\n\n${sentence}.\n` +
    (command.description ? `${command.description}\n` : '') +
    (options ? `\nOptions:\n${flagLines(command.flags)}` : '')
  );
}

function flagLines(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, flag]) => {
    const value = flag.kind === 'bool' ? '' : ` ${flag.placeholder ?? (flag.kind === 'int' ? 'number' : 'value')}`;
    const notes = [flag.kind === 'list' && 'repeatable', flag.default && `default: ${flag.default}`].filter(Boolean);
    return [`  --${name}${flag.short ? `, -${flag.short}` : ''}${value}`, `${flag.help}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}\n`).join('');
}
