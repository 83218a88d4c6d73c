/** What a reader must know of the machine that the outputs are of, and no more: nothing that tells whose it is. See uname(2), os-release(5). */
import { readFileSync } from 'node:fs';
import { availableParallelism, machine, release, totalmem, type as systemName } from 'node:os';
import { findHierarchies, layoutOf, type Hierarchy } from '../../runtime/cgroup/layout.ts';
import { runInLab, type Lab } from '../../lab/lab.ts';
import type { Language } from '../lesson.ts';
import type { Subject } from './exercise-page.ts';
import { markup, type Html } from './html.ts';
import { spansHtml } from './prose.ts';
import { bookWords } from './words.ts';

export interface MachineFacts {
  readonly kernel: string;
  readonly distribution: string;
  readonly processors: number;
  /** Bytes. */
  readonly memory: number;
  readonly mode: string;
  readonly hierarchies: readonly Pick<Hierarchy, 'version' | 'mountPoint' | 'controllers' | 'name'>[];
  readonly byRoot: boolean;
  /** `2026-01-31` */
  readonly made: string;
  /** Versions; undefined where a program is not there. */
  readonly programs: readonly (readonly [name: string, version: string | undefined])[];
}

/** Programs of the solutions, with the package where that has another name, and how they tell their version. */
const askings: readonly (readonly [name: string, command: string])[] = [
  ['bash', 'bash --version'],
  ['ls (coreutils)', 'ls --version'],
  ['unshare (util-linux)', 'unshare --version'],
  ['ip (iproute2)', 'ip -V'],
  ['nft', 'nft --version'],
  ['strace', 'strace --version'],
  ['busybox', 'busybox'],
  ['perl', 'perl -v'],
  ['python3', 'python3 --version'],
  ['curl', 'curl --version'],
];

/** What no program prints. */
const separator = '\x1e';

/** Looks. @param lab in which programs are asked @param own versions of ours: `hako`, `node` */
export async function machineFacts(lab: Lab, own: readonly (readonly [name: string, version: string])[]): Promise<MachineFacts> {
  const { mode, hierarchies } = layoutOf(findHierarchies(), () => false);
  const { stdout } = await runInLab(lab, ['sh', '-c', askings.map(([, command]) => `${command} 2>&1; echo '${separator}'`).join('\n')]);
  const answers = stdout.split(separator);
  const programs = [...own, ...askings.map(([name], i) => [name, /\d+\.\d[\w.~+-]*/.exec(answers[i] ?? '')?.[0]] as const)];
  return {
    kernel: `${systemName()} ${release()} ${machine()}`,
    distribution: distribution(),
    processors: availableParallelism(),
    memory: totalmem(),
    mode,
    hierarchies,
    byRoot: process.geteuid!() === 0,
    made: new Date().toISOString().slice(0, 10),
    programs,
  };
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** The page about it. */
export function machineHtml(facts: MachineFacts, subjects: readonly Subject[], language: Language): Html {
  const words = bookWords[language];
  const say = words.machine;
  const rows: readonly (readonly [string, string])[] = [
    [say.kernel, facts.kernel],
    [say.distribution, facts.distribution],
    [say.processors, String(facts.processors)],
    [say.memory, `${(facts.memory / 2 ** 30).toFixed(1)} GiB`],
    [say.cgroups, facts.mode],
    [say.user, facts.byRoot ? say.root : say.ordinary],
    [say.made, facts.made],
  ];
  const list = (pairs: readonly (readonly [string, string])[]): Html =>
    markup`<dl>\n${pairs.filter(([, value]) => value !== '').map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>\n`;
  const hierarchies = facts.hierarchies.map(
    ({ version, mountPoint, controllers, name }) =>
      markup`<li><code>${mountPoint}</code> — ${say.version(version)}: ${controllers.length > 0 ? controllers.join(' ') : (name ?? say.noControllers)}</li>\n`,
  );
  const cannot = subjects.flatMap(({ entry, outcome }) => {
    const reasons =
      outcome?.kind === 'impossible' ? outcome.reasons.map((reason) => reason[language]).join('; ') : outcome?.kind === 'failed' ? outcome.why : undefined;
    return reasons === undefined ? [] : [markup`<li><a href="${entry.id}.html">${entry.id} ${entry.lessons[language].title}</a>: ${spansHtml(reasons)}</li>\n`];
  });
  return markup`<h1>${words.aboutMachine}</h1>
<p>${say.scrubbed}</p>
${list(rows)}<h2>${say.hierarchies}</h2>
<ul>
${hierarchies}</ul>
<h2>${say.programs}</h2>
${list(facts.programs.map(([name, version]) => [name, version ?? say.missing] as const))}<h2>${say.impossible}</h2>
${cannot.length > 0 ? markup`<ul>\n${cannot}</ul>\n` : markup`<p>${say.all}</p>\n`}`;
}
