/**
 * Doing an exercise: its scene is set in a fresh lab, its conditions are looked at, and what came of it is noted. Conditions are asked for
 * their state and not for events: whoever looks again sees what is true now (docs/decisions/course.md).
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { findHierarchies } from '../runtime/cgroup/layout.ts';
import { findLab, inventoryOf, resetLab, runInLab, startLab, type Lab } from '../lab/lab.ts';
import { readAnswer } from './answer-file.ts';
import type { Entry } from './catalogue.ts';
import { LessonError, type Condition, type Exercise, type Finding, type Stage, type Text } from './exercise.ts';
import { withValues, type Form } from './lesson.ts';
import { LabGone, Look } from './look/look.ts';
import { unmet } from './needs.ts';
import { changeProgress, changeRecord, type Current, type Progress } from './progress.ts';

/** How a condition stands. */
export interface Standpoint {
  readonly condition: Condition;
  readonly finding: Finding;
  /** It holds, or it is one of those that count when they have been true once. */
  readonly met: boolean;
  readonly wasTrue: boolean;
}

/** What a look at an exercise gave. */
export interface Seen {
  readonly standpoints: readonly Standpoint[];
  readonly passed: boolean;
}

/** How long setting a scene may take, in milliseconds. */
const patience = 60_000;

const labOf = ({ pid, startTime }: Lab): string => `${pid}@${startTime}`;

/** Which form the lab's cgroups have, as far as commands are concerned. */
export const formOf = ({ cgroups }: Pick<Lab, 'cgroups'>): Form =>
  cgroups.some(({ version, controllers }) => version === 1 && (controllers.includes('cpu') || controllers.includes('memory'))) ? 'v1' : 'v2';

/** The same, of this machine: a lab has its hierarchies as the machine has them. */
export const formOfMachine = (): Form => formOf({ cgroups: findHierarchies().map(({ version, controllers }) => ({ version, controllers, path: '' })) });

/** Why an exercise cannot be done here; empty where it can. Starts a lab, if none runs, to try things in. */
export async function obstacles(exercise: Exercise, lab?: Lab): Promise<readonly Text[]> {
  if (exercise.realRoot && process.geteuid!() !== 0)
    return [
      {
        en: `it needs a lab whose root is the machine's, which only root may start: run hako as root (${exercise.realRoot.en})`,
        ja: `ラボの root がマシンの root である必要がある。root だけが起動できるので、hako を root で実行する(${exercise.realRoot.ja})`,
      },
    ];
  if (!exercise.needs?.length) return [];
  const ground = lab ?? findLab() ?? (await startLab());
  return unmet(exercise.needs, { hierarchies: ground.cgroups, run: (args) => runInLab(ground, args, { timeout: patience }) });
}

/** Makes the lab anew and sets the scene. @param name of the lab @throws LessonError, LabError */
export async function setScene(entry: Entry, exercise: Exercise, name?: string): Promise<{ readonly lab: Lab; readonly current: Current }> {
  const lab = await resetLab(name, { realRoot: exercise.realRoot !== undefined });
  const stage: Stage = {
    nonce: () => randomBytes(5).toString('hex'),
    inventory: () => inventoryOf(lab),
    async sh(lines, environment = {}) {
      const { code, stdout, stderr } = await runInLab(lab, ['sh', '-eu', '-c', lines], { env: environment, timeout: patience });
      if (code !== 0) throw new LessonError(`the scene of exercise ${entry.id} could not be set: ${stderr.trim() || `sh ended with ${code}`}`);
      return stdout;
    },
    async put(source, target) {
      const { code, stderr } = await runInLab(lab, ['sh', '-c', 'cat > "$0"', target], { stdin: readFileSync(source), timeout: patience });
      if (code !== 0) throw new LessonError(`the scene of exercise ${entry.id} could not be set: ${source} could not be copied: ${stderr.trim()}`);
    },
  };
  const facts = (await exercise.setup?.(stage)) ?? {};
  return { lab, current: { id: entry.id, lab: labOf(lab), begun: Date.now(), facts, inventory: inventoryOf(lab) } };
}

/** Makes the learner's lab anew, sets the scene, and notes that the exercise is the current one. @throws LessonError, LabError */
export async function beginExercise(entry: Entry, exercise: Exercise): Promise<Current> {
  const { current } = await setScene(entry, exercise);
  changeProgress((progress) => ({ ...progress, current, exercises: { ...progress.exercises, [entry.id]: { ...progress.exercises[entry.id], wereTrue: [] } } }));
  return current;
}

/** The lab in which the current exercise's scene was set. @throws LabGone where that has ended, or is another */
export function labOfCurrent(current: Current): Lab {
  const lab = findLab();
  if (!lab || labOf(lab) !== current.lab) throw new LabGone();
  return lab;
}

/** Looks at all conditions of an exercise, and notes nothing. @param before ids of conditions that have been true @throws LabGone */
export async function lookInLab(lab: Lab, exercise: Exercise, current: Current, before: ReadonlySet<string>): Promise<Seen> {
  const look = new Look({
    first: lab.pid,
    name: lab.name,
    hierarchies: lab.cgroups,
    facts: current.facts,
    answer: readAnswer(lab),
    inventoryAtStart: current.inventory,
    inventory: () => inventoryOf(lab),
    run: (args, options) => runInLab(lab, args, { timeout: patience, ...options }),
  });
  const standpoints: Standpoint[] = [];
  for (const { says, ...rest } of exercise.conditions) {
    const fill = (text: string): string => withValues(text, (kind, name) => (kind === 'fact' ? current.facts[name] : undefined));
    const condition = { ...rest, says: { en: fill(says.en), ja: fill(says.ja) } };
    const isOver = condition.acts === true && before.has(condition.id);
    const finding: Finding = isOver ? { ok: true, found: { en: 'seen before', ja: '確認済み' } } : await condition.check(look);
    const wasTrue = before.has(condition.id) || finding.ok;
    standpoints.push({ condition, finding, wasTrue, met: finding.ok || (condition.once === true && wasTrue) });
  }
  return { standpoints, passed: standpoints.every(({ met }) => met) };
}

/** The ids of the conditions that have been true. */
export const trueOnes = ({ standpoints }: Seen): string[] => standpoints.filter(({ wasTrue }) => wasTrue).map(({ condition }) => condition.id);

/**
 * Looks at all conditions of the current exercise, and notes what is new.
 * @throws LabGone
 */
export async function lookAtExercise(exercise: Exercise, current: Current, progress: Progress): Promise<Seen> {
  const before = new Set(progress.exercises[current.id]?.wereTrue);
  const seen = await lookInLab(labOfCurrent(current), exercise, current, before);
  labOfCurrent(current); // what was read of a lab that ended meanwhile is worth nothing
  const wereTrue = trueOnes(seen);
  const isNew = wereTrue.length !== before.size;
  if (seen.passed && !progress.exercises[current.id]?.passed) changeRecord(current.id, { wereTrue, passed: new Date().toISOString() });
  else if (isNew) changeRecord(current.id, { wereTrue });
  return seen;
}

/** Answers for the learner, from outside of the lab. @throws LabGone */
export async function giveAnswer(current: Current, value: string): Promise<void> {
  const { code, stderr } = await runInLab(labOfCurrent(current), ['/opt/lab/bin/answer', value], { timeout: patience });
  if (code !== 0) throw new LessonError(`the answer could not be put into the lab: ${stderr.trim()}; hako learn reset sets it up again`);
}
