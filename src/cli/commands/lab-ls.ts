/** `hako lab ls` */
import { findLab, labNames, noted } from '../../lab/lab.ts';
import { labProcesses } from '../../lab/processes.ts';
import { alignColumns } from '../columns.ts';
import { defineCommand } from '../command.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { format: jsonFormatFlag },
  async run({ flags }) {
    const labs = labNames().map((name) => {
      const lab = findLab(name);
      return {
        name,
        state: lab ? 'running' : 'ended',
        pid: lab?.pid ?? null,
        realRoot: noted(name)?.realRoot ?? false,
        processes: lab ? labProcesses(lab.pid).length : 0,
      };
    });
    if (asksForJson(flags.format)) {
      process.stdout.write(`${JSON.stringify(labs)}\n`);
      return;
    }
    const rows = labs.map(({ name, state, pid, realRoot, processes }) => [
      name,
      state,
      pid === null ? '' : String(pid),
      realRoot ? 'real root' : 'user namespace',
      String(processes),
    ]);
    process.stdout.write(alignColumns([['NAME', 'STATE', 'PID', 'FORM', 'PROCESSES'], ...rows]));
  },
});
