/**
 * A container as a shell script: the lines of the steps of its start, in their order, each under what it does. Lines of the
 * engine's are for the first shell; lines of the new process are for the shells inside, which become the program in the end.
 * See docs/decisions/shell-lines.md.
 */
import { assembleDeviceFilter } from '../../kernel/bpf/device-filter.ts';
import { walk, type Step } from '../../step/step.ts';
import { hostRoot } from '../id-map.ts';
import { seccompFilter } from '../seccomp/load.ts';
import { start, type StartPlan } from '../start.ts';
import { attachTools, beginAgain, copyTools, deviceTools, directories, functions, seccompTools } from './prologue.ts';

/** What a script says beside the lines. */
export interface ScriptOptions {
  /** Lines of the head, without `#`: what it is, and what must be there. */
  readonly head: readonly string[];
  /** Assignments of variables that the lines have. */
  readonly parameters: readonly string[];
  /** Files that the script makes in its directory, \$STATE, by their names. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes the script of a start. In the plan's paths there may be parameters (src/step/shell.ts). @throws what the procedure throws */
export function scriptOf(plan: StartPlan, options: ScriptOptions): string {
  const steps = [...walk(start(plan))];
  const { process, linux } = plan.spec;
  const text = [
    '#!/bin/sh',
    ...options.head.map((line) => `# ${line}`.trimEnd()),
    'set -eu',
    '',
    ...options.parameters,
    '',
    beginAgain(linux.rootfsPropagation === 'slave' ? 'slave' : 'private'),
    '',
    functions,
    '',
    directories(linux.namespaces.some(({ type }) => type === 'user') ? hostRoot(linux) : undefined),
    ...Object.entries(options.files ?? {}).flatMap(([name, content]) => fileLines(`"$STATE"/${name}`, content.replace(/\n$/, '').split('\n'))),
    copyTools,
    ...(steps.some(({ id }) => id === 'user.map-namespace') ? [attachTools] : []),
    ...(linux.seccomp ? [seccompTools(seccompFilter(linux.seccomp))] : []),
    ...(steps.some(({ id }) => id === 'cgroup.devices.open') ? [deviceTools(assembleDeviceFilter(linux.resources?.devices ?? []))] : []),
    ...outside(steps, process.terminal ? 'terminal' : plan.stdin ? 'pipes' : 'null'),
    '',
    heading('The end'),
    'code=0',
    'wait "$CHILD" || code=$?',
    'CHILD=',
    // What it wrote is read to the end; other processes of a shared PID namespace could hold it open.
    ...(process.terminal ? [] : ['wait $OUTPUT || true']),
    'exit "$code"',
    '',
  ];
  return text.join('\n');
}

type Stdio = 'terminal' | 'pipes' | 'null';

/** The first shell's lines. */
function outside(steps: readonly Step<unknown>[], stdio: Stdio): string[] {
  let group = '';
  return steps.flatMap((step) => {
    const title = groupOf(step.id);
    const head = title === group ? [''] : ['', heading(title), ''];
    group = title;
    const lines = step.id === 'process.clone' ? cloneLines(step, stdio) : shellLines(step);
    return [...head, ...comment(step.what), ...lines, ...(step.shellUndo ? [`undo ${undoWord(step.shellUndo)}`] : [])];
  });
}

const undoWord = (line: string): string => `'${line.replaceAll("'", "'\\''")}'`;

/** The process: a shell in the new namespaces, and in it another one once it has joined what is there already. */
function cloneLines(step: Step<unknown>, stdio: Stdio): string[] {
  const inside = step.inside ?? [];
  const beginning = inside.findIndex(({ id }) => id === 'process.session');
  const root = inside.findIndex(({ id }) => id === 'user.root');
  // What becomes the user namespace's root by the programs that gather can mount only after it.
  const firstMount = root >= 0 ? root + 1 : inside.findIndex(({ id }) => id.startsWith('mount.'));
  const before = inside.slice(0, beginning);
  const joining = [
    'set -eu',
    'eval "$FUNCTIONS"',
    ...inside.slice(beginning, firstMount).flatMap(insideLines),
    '',
    '# In what it has entered, another shell goes on.',
    'exec "$@" sh "$TMP"/becoming',
  ];
  const becoming = ['set -eu', 'eval "$FUNCTIONS"', 'set --', ...inside.slice(firstMount).flatMap(insideLines)];
  const streams = {
    terminal: '',
    pipes: ' 3<"$TMP"/stdin 4>"$TMP"/stdout 5>"$TMP"/stderr',
    null: ' 3<>/dev/null 4>"$TMP"/stdout 5>"$TMP"/stderr',
  }[stdio];
  return [
    ...before.flatMap((s) => [...comment(s.what), ...shellLines(s)]),
    ...(stdio === 'terminal' ? ['exec 3<&0 4>&1 5>&2'] : []),
    // Files, since a here-document of dash(1) would stay open in the program.
    ...fileLines('"$TMP"/joining', joining),
    ...fileLines('"$TMP"/becoming', becoming),
    // Who waits for a process that has ended would wait for ever.
    `( ${step.shell}${streams} || code=$?; echo ended >&6; exit "\${code-0}" ) &`,
    'CHILD=$!',
  ];
}

const insideLines = (step: Step<unknown>): string[] => ['', ...comment(step.what), ...shellLines(step)];

const shellLines = (step: Step<unknown>): string[] => (step.shell === '' ? [] : step.shell.split('\n'));

/** Text of a user's can have line breaks, and what follows one would be a command. */
function comment(text: string): string[] {
  // oxlint-disable-next-line no-control-regex -- what ends a line for some reader, and what a terminal acts on
  const line = text.replaceAll(/[\x00-\x1f\x7f\u0085\u2028\u2029]+/g, ' ');
  return [`# ${line}`];
}

/** Writes a file of lines for a shell inside. The word that ends it is no line of it. */
function fileLines(path: string, lines: readonly string[]): string[] {
  const taken = new Set(lines.flatMap((line) => line.split('\n')));
  let end = path.replace(/^.*\//, '').replaceAll(/\W/g, '').toUpperCase();
  while (taken.has(end)) end += '_';
  return [`cat >${path} <<'${end}'`, ...lines, end];
}

const heading = (title: string): string => `# ---- ${title} ${'-'.repeat(Math.max(0, 90 - title.length))}`;

const groups: Readonly<Record<string, string>> = {
  cgroup: 'The control group, with limits',
  mount: 'The root file system',
  rootfs: 'The root file system',
  network: 'The network',
  namespace: 'Namespaces that are there already',
  user: 'The user namespace',
  dev: 'Devices',
  process: 'The process',
  console: 'The process',
};

const groupOf = (id: string): string => groups[id.split('.')[0]!] ?? 'More';
