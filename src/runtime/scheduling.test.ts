/** Policy, priorities, processors and personality of real containers and execs, as the kernel shows them from outside. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ContainerBench } from '../../test/support/container.ts';
import { needsRoot } from '../../test/support/needs.ts';
import { apply } from '../step/apply.ts';
import { perform } from '../kernel/perform.ts';
import { exec } from './exec.ts';
import { personalityStep } from './personality.ts';
import { affinityStep, ioPriorityStep, schedulerStep, SchedulingError } from './scheduling.ts';
import type { ProcessSpec, Scheduler } from './spec-process.ts';
import type { Started, StartPlan } from './start.ts';
import type { Step } from '../step/step.ts';

const unmet = (step: Step, pid: number): unknown => step.goal!({ pid }).filter(({ holds }) => !holds);
/** The processors of this process, as a list: tests may run on a part of the machine. */
const own = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;

describe('scheduling', { skip: needsRoot() }, () => {
  let bench: ContainerBench;
  let plan: StartPlan;
  before(async () => {
    bench = await new ContainerBench().prepare();
  });
  after(() => bench[Symbol.asyncDispose]());

  const start = (changes: Partial<ProcessSpec>, linux: Partial<StartPlan['spec']['linux']> = {}): Promise<Started> => {
    const made = bench.plan({ command: ['sleep', '1000'] });
    plan = { ...made, spec: { ...made.spec, process: { ...made.spec.process, ...changes }, linux: { ...made.spec.linux, ...linux } } };
    return bench.start(plan);
  };

  test('policy, nice value and I/O priority are the ones asked for, and belong to the container alone', async () => {
    const scheduler: Scheduler = { policy: 'SCHED_BATCH', nice: 7, flags: ['SCHED_FLAG_RESET_ON_FORK'] };
    const ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 } as const;
    const steps = [schedulerStep(scheduler), ioPriorityStep(ioPriority)];
    for (const step of steps) assert.notDeepEqual(unmet(step, process.pid), []);
    const started = await start({ scheduler, ioPriority });
    for (const step of steps) assert.deepEqual(unmet(step, started.process.pid), []);
    await bench.remove(started);
    for (const step of steps) assert.notDeepEqual(unmet(step, process.pid), []);
  });

  test('a policy that the kernel refuses ends the start with its name', async () => {
    const scheduler: Scheduler = { policy: 'SCHED_DEADLINE', runtime: 2n, deadline: 1, period: 1 };
    await assert.rejects(start({ scheduler }), /be scheduled by SCHED_DEADLINE: sched_setattr\(.*sched_runtime=2, sched_deadline=1.* failed: .*EINVAL/);
    assert.throws(() => schedulerStep({ policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_NONE'] }), SchedulingError);
  });

  test('the bytes for the kernel are those of struct sched_attr', () => {
    const [made] = schedulerStep({ policy: 'SCHED_DEADLINE', flags: ['SCHED_FLAG_RECLAIM'], runtime: 1, deadline: 2n ** 60n, period: 3 }).calls;
    const { bytes } = made!.args[1] as { bytes: Uint8Array };
    const view = new DataView(bytes.buffer);
    assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true), view.getBigUint64(8, true)], [48, 6, 2n]);
    assert.deepEqual(
      [24, 32, 40].map((at) => view.getBigUint64(at, true)),
      [1n, 2n ** 60n, 3n],
    );
  });

  test('a personality is that of the program, and of an exec', async () => {
    const personality = { domain: 'LINUX32' } as const;
    const started = await start({}, { personality });
    assert.deepEqual(unmet(personalityStep(personality), started.process.pid), []);
    assert.notDeepEqual(unmet(personalityStep(personality), process.pid), []);
    const { process: first, linux } = plan.spec;
    const entered = await apply(
      exec({
        id: 'exec-personality',
        owner: bench.directory,
        process: { ...first, execCPUAffinity: { initial: own, final: own.split(/[-,]/)[0]! } },
        pid: started.process.pid,
        namespaces: linux.namespaces.map(({ type }) => type),
        cgroup: started.cgroup,
        personality,
        stdin: false,
      }),
      { kernel: { call: perform } },
    );
    assert.deepEqual(unmet(personalityStep(personality), entered.pid), []);
    assert.deepEqual(unmet(affinityStep(own.split(/[-,]/)[0]!), entered.pid), []);
    entered.signal(9);
    await entered.exited;
    entered.release();
    await bench.remove(started);
  });

  test('a list of processors becomes the mask of its numbers', () => {
    const mask = (cpus: string): Uint8Array => affinityStep(cpus).calls[0]!.args[2] as Uint8Array;
    assert.deepEqual([...mask('0-2,4')], [0b10111, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(mask('64')[8], 1);
    for (const cpus of ['', 'all', '3-1']) assert.throws(() => affinityStep(cpus), SchedulingError);
  });
});
