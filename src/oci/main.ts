/** hako-oci with all of its commands. As it is installed, each command is a program of its own (command-program.ts). */
import { commands } from './commands.ts';
import { runProgram } from './program.ts';

runProgram({
  load: async (name) => (Object.hasOwn(commands, name) ? (await commands[name]!.load()).command : undefined),
  help: async (name) => (await import('./help.ts')).helpText(name),
});
