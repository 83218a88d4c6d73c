/**
 * A program of one command, for the bundles of which scripts/start.cjs takes the one that the command line seems to ask for. Where it asks
 * for another (a flag's value was the name of a command), the program with all of them does it.
 */
import type { Command } from './command.ts';
import { runProgram } from './program.ts';

/** Runs this process's command line. */
export function runCommandProgram(own: string, command: Command): void {
  runProgram({ load: async (name) => (name === own ? command : await otherwise()), help: otherwise });
}

/** Runs the program with all commands, which ends the process: what waits for this goes on no more. */
async function otherwise(): Promise<never> {
  await import('./main.ts');
  return new Promise(() => {});
}
