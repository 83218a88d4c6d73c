/** The memory controller. Documentation/admin-guide/cgroup-v1/memory.rst; cgroup-v2.rst, "Memory". */
import { parseAmount } from '../../../kernel/cgroupfs.ts';
import type { Resources } from '../../spec.ts';
import { amount, swapAlone } from '../convert.ts';
import { noController, type Files, type FileWrite, type Plan, type PlanLimits } from './controller.ts';
import { CgroupError } from '../error.ts';

type Memory = NonNullable<Resources['memory']>;

export const planMemory: PlanLimits = (version, resources, files) => {
  const { memory } = resources;
  if (!memory || Object.values(memory).every((value) => value === undefined)) return { writes: [], unmet: [], warnings: [] };
  if (version === undefined) return { writes: [], warnings: [], unmet: [noController('memory', 'Memory limits')] };
  const plan = version === 1 ? planV1(memory, files) : planV2(memory, files);
  if (memory.kernel)
    plan.warnings.push('The limit of kernel memory is left out: the kernel has none of its own any more, and counts that memory to the limit of all');
  return plan;
};

const noSwapAccounting =
  'The swap limit will not be in force: this kernel does not account swap to cgroups (boot it with swapaccount=1); memory itself is limited';

const limitText = (what: string, bytes: number): string => (bytes < 0 ? `Lift the limit of its ${what}` : `Limit its ${what} to ${bytes} bytes`);

function planV1(memory: Memory, files: Files): Plan {
  const plan: Plan = { writes: [], unmet: [], warnings: [] };
  const { limit, reservation, swappiness } = memory;
  const total = memory.swap || (limit === -1 ? -1 : 0); // to lift the memory limit, the total must be lifted too
  const totalNow = parseAmount(files.read('memory.memsw.limit_in_bytes') ?? '') ?? Infinity;
  if (total > 0) swapAlone(total, limit || (parseAmount(files.read('memory.limit_in_bytes') ?? '') ?? Infinity)); // refuses a total below memory
  if (limit && !total && limit > totalNow) {
    throw new CgroupError(`the memory limit (${limit} bytes) would be above that of memory and swap together (${totalNow} bytes): raise that too`);
  }
  const limits: FileWrite[] = [];
  if (limit) limits.push({ file: 'memory.limit_in_bytes', value: String(limit), what: limitText('memory', limit) });
  if (total && files.has('memory.memsw.limit_in_bytes')) {
    const write = { file: 'memory.memsw.limit_in_bytes', value: String(total), what: limitText('memory and swap together', total) };
    // The kernel never lets the memory limit be above the total: a raise begins with the total, anything else with memory.
    if (total < 0 || total > totalNow) limits.unshift(write);
    else limits.push(write);
  } else if (total && memory.swap) {
    plan.unmet.push(noSwapAccounting);
  }
  plan.writes.push(...limits);
  if (reservation) plan.writes.push({ file: 'memory.soft_limit_in_bytes', value: String(reservation), what: reservationText(reservation) });
  if (swappiness !== undefined && swappiness >= 0) {
    const what = `Set its tendency to swap to ${swappiness} of 100`;
    if (files.has('memory.swappiness')) plan.writes.push({ file: 'memory.swappiness', value: String(swappiness), what });
    else plan.unmet.push('The swappiness will not be in force: this kernel has no memory.swappiness');
  }
  if (memory.kernelTCP) {
    const file = 'memory.kmem.tcp.limit_in_bytes';
    if (files.has(file)) plan.writes.push({ file, value: String(memory.kernelTCP), what: limitText('memory for TCP buffers', memory.kernelTCP) });
    else plan.unmet.push(`The limit of memory for TCP buffers will not be in force: this kernel has no ${file}`);
  }
  if (memory.useHierarchy !== undefined && (files.read('memory.use_hierarchy') ?? '1') !== String(Number(memory.useHierarchy)))
    plan.unmet.push(
      memory.useHierarchy
        ? 'The memory of cgroups below it is not counted to it: the cgroup above has memory.use_hierarchy 0'
        : 'The memory of cgroups below it is counted to it: this kernel can not do without (memory.use_hierarchy)',
    );
  if (memory.disableOOMKiller !== undefined) {
    const off = memory.disableOOMKiller;
    const what = off ? 'Let it wait instead of being killed when its memory is used up' : 'Let the OOM killer end a process when its memory is used up';
    plan.writes.push({ file: 'memory.oom_control', value: off ? '1' : '0', what });
  }
  return plan;
}

function planV2(memory: Memory, files: Files): Plan {
  const plan: Plan = { writes: [], unmet: [], warnings: [] };
  const { limit, reservation } = memory;
  const total = memory.swap || (limit === -1 ? -1 : 0);
  if (memory.checkBeforeUpdate) refuseBelowUsage(memory, files);
  if (total) {
    const swap = swapAlone(total, limit || parseAmount(files.read('memory.max') ?? ''));
    if (files.has('memory.swap.max')) plan.writes.push({ file: 'memory.swap.max', value: amount(swap), what: limitText('swap', swap) });
    else if (memory.swap) (swap > 0 ? plan.unmet : plan.warnings).push(noSwapAccounting);
  }
  if (limit) plan.writes.push({ file: 'memory.max', value: amount(limit), what: limitText('memory', limit) });
  if (reservation) plan.writes.push({ file: 'memory.low', value: amount(reservation), what: reservationText(reservation) });
  if (memory.swappiness !== undefined && memory.swappiness >= 0) plan.unmet.push('The swappiness will not be in force: cgroup v2 has none per cgroup');
  if (memory.disableOOMKiller) plan.unmet.push('The OOM killer stays on: cgroup v2 can not turn it off for a cgroup');
  if (memory.useHierarchy === false) plan.unmet.push('The memory of cgroups below it is counted to it: cgroup v2 can not do without');
  if (memory.kernelTCP) plan.unmet.push('The limit of memory for TCP buffers will not be in force: cgroup v2 counts it to the limit of all memory');
  return plan;
}

/** In v1 the kernel itself refuses a limit below what is used and cannot be freed; in v2 it has processes killed until it fits. */
function refuseBelowUsage({ limit, swap }: Memory, files: Files): void {
  const used = parseAmount(files.read('memory.current') ?? '') ?? 0;
  if (limit && limit > 0 && limit < used)
    throw new CgroupError(`the memory limit (${limit} bytes) is below what is used (${used} bytes), and checkBeforeUpdate is set`);
  const usedInAll = used + (parseAmount(files.read('memory.swap.current') ?? '') ?? 0);
  if (swap && swap > 0 && swap < usedInAll)
    throw new CgroupError(`the limit of memory and swap (${swap} bytes) is below what is used (${usedInAll} bytes), and checkBeforeUpdate is set`);
}

const reservationText = (bytes: number): string => `Leave it ${bytes} bytes when memory gets short`;
