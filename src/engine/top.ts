/**
 * `top`: the processes of a container, as ps(1) would print them. They are read from /proc on the host by the process ids of
 * the container's cgroup: no `ps` is run, neither the image's (it is hostile) nor the host's (there may be none).
 */
import type { ContainerTop } from '../api/schema.ts';
import { EngineError } from './engine.ts';
import { columnContext, columnNames, columnOf, layouts, type Column } from './top-columns.ts';
import { readClock, readProcess } from './top-process.ts';

/**
 * Processes as a table.
 * @param processes asked twice: before they are read and after
 * @param psArguments options of ps(1) separated by blanks: `-ef` (also when empty), `aux`, `-o pid,comm`; those that choose processes have no effect
 * @throws EngineError 400 for an option or a column that is not known
 */
export function processTable(processes: () => readonly number[], psArguments: string): ContainerTop {
  const columns = parseArguments(psArguments);
  const clock = readClock();
  const read = processes().flatMap((pid) => readProcess(pid, clock) ?? []);
  // A process id may have become another process's between looking it up and reading: those that are still here are the container's.
  const still = new Set(processes());
  const context = columnContext();
  const rows = read.filter(({ pid }) => still.has(pid)).sort((a, b) => a.pid - b.pid);
  return { Titles: columns.map((c) => c.title), Processes: rows.map((row) => columns.map((c) => c.value(row, context))) };
}

/** Options that choose processes or the width of the output: all processes of the container are listed, uncut. */
const withoutEffect = { unix: 'eAaw', bsd: 'axw' } as const;

/** The columns that options of ps(1) ask for. @throws EngineError 400 */
export function parseArguments(text: string): readonly Column[] {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return layouts.full;
  const chosen: Column[] = [];
  let layout: readonly Column[] = layouts.plain;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const long = /^--format(?:=(.*))?$/.exec(word);
    if (long) {
      chosen.push(...columnsIn(long[1] ?? words.shift()));
      continue;
    }
    if (word.startsWith('--')) throw unknownOption(word);
    // `ps -aux` is what many people type for `ps aux`.
    const unix = word.startsWith('-') && !/^-[ax]*u[ax]*w*$/.test(word);
    const letters = word.replace(/^-/, '');
    for (const [at, letter] of [...letters].entries()) {
      if (letter === 'o') {
        chosen.push(...columnsIn(letters.slice(at + 1) || words.shift()));
        break;
      }
      if (unix && letter === 'f') layout = layouts.full;
      else if (unix && letter === 'j') layout = layouts.jobs;
      else if (!unix && letter === 'u') layout = layouts.user;
      else if (!withoutEffect[unix ? 'unix' : 'bsd'].includes(letter)) throw unknownOption(unix ? `-${letter}` : letter);
      else if (!unix && layout === layouts.plain) layout = layouts.states;
    }
  }
  return chosen.length > 0 ? chosen : layout;
}

/** `pid,comm`, `pid=ID,args`: a heading that is given goes to the end of the word. */
function columnsIn(list: string | undefined): Column[] {
  if (!list) throw new EngineError(400, 'The option -o of ps needs columns, such as -o pid,comm.');
  const equals = list.indexOf('=');
  const names = (equals < 0 ? list : list.slice(0, equals)).split(',');
  const columns = names.map((name) => {
    const column = columnOf(name.toLowerCase());
    if (!column) throw new EngineError(400, `The column "${name.slice(0, 64)}" of ps is not known: use ${columnNames.join(', ')}.`);
    return column;
  });
  const last = columns.at(-1);
  return equals < 0 || !last ? columns : [...columns.slice(0, -1), { ...last, title: list.slice(equals + 1) }];
}

const unknownOption = (option: string): EngineError =>
  new EngineError(400, `The option "${option.slice(0, 64)}" of ps is not known here: use -ef, -j, aux, or -o with columns, such as -o pid,comm.`);
