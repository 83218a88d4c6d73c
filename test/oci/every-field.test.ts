/**
 * No property of config.json is ignored: for each, the step that is another when its value is another, or where else it goes, or that
 * it is refused. The steps are explained, for machines with cgroups of version 1 and of version 2; nothing is done.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { configSchema } from '../../src/oci/config/config-schema.ts';
import { validateConfig } from '../../src/oci/config/read.ts';
import type { Schema } from '../../src/oci/config/schema.ts';
import { makeCgroup, type MadeCgroup } from '../../src/oci/cgroup-making.ts';
import { groupOf, withGroup } from '../../src/oci/intel-rdt.ts';
import { cgroupPlace } from '../../src/oci/cgroup-path.ts';
import type { ContainerRecord } from '../../src/oci/container-record.ts';
import { Result, Stored, Struct, Unknown, type Call } from '../../src/kernel/call.ts';
import { supervisorOf } from '../../src/oci/supervisor.ts';
import { runHooks, type HookKind } from '../../src/oci/hooks.ts';
import { detectCgroups } from '../../src/runtime/cgroup/detect.ts';
import { pureV1, pureV2, writeFiles, type FakeMachine } from '../../src/runtime/cgroup/fixture.ts';
import { titleOf, type CgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import { create } from '../../src/runtime/create.ts';
import { execChild } from '../../src/runtime/exec-child.ts';
import type { Spec } from '../../src/runtime/spec.ts';
import { walk, type Procedure, type Step } from '../../src/step/step.ts';
import { changed, fullConfig, valueAt, type Json, type JsonPath } from '../support/full-config.ts';
import { fieldsInForce } from '../support/oci-fields.ts';

const trees = mkdtempSync(join(tmpdir(), 'hako-test-fields-'));
after(() => rmSync(trees, { recursive: true }));

function machine(name: string, { mountinfo, ownCgroups, files }: FakeMachine): CgroupLayout {
  const root = join(trees, name);
  writeFiles(root, files);
  return detectCgroups({ root, mountinfo, ownCgroups, bpf: name === 'v2' });
}
const more = ['hugetlb', 'rdma'].map((controller, i) => `4${i} 25 0:4${i} / /sys/fs/cgroup/${controller} rw shared:4${i} - cgroup cgroup rw,${controller}\n`);
const machines = [
  machine('v1', { ...pureV1, mountinfo: pureV1.mountinfo + more.join(''), ownCgroups: `${pureV1.ownCgroups}20:hugetlb:/\n21:rdma:/\n` }),
  machine('v2', pureV2),
];

const resctrl = join(trees, 'resctrl');
writeFiles(resctrl, { 'info/L3_MON/mon_features': 'llc_occupancy\nmbm_total_bytes\n' });

/** A container that is created, with its hooks, or one more process in it. */
type Part = 'create' | 'exec';

/** What becomes of a configuration: its steps, each as a line, and what it warns of; or why it is refused. */
function outcome(document: Json, layout: CgroupLayout, of: Part = 'create'): string[] {
  const lines: string[] = [];
  try {
    const { spec, warnings: odd } = validateConfig(document);
    const warnings = [...odd];
    for (const procedure of of === 'exec' ? [execution(spec, layout)] : [creation(spec, layout, warnings), ...lateHooks(spec)]) {
      for (const step of walk(procedure)) lines.push(...linesOf(step));
    }
    lines.push(`supervisor ${supervisorOf(spec, record(spec), 'creating')?.state(7)}`, ...warnings.map((warning) => `warning ${warning}`));
  } catch (error) {
    assert.match((error as Error).name, /^(Oci|Cgroup|Seccomp|Mount)Error$/, String((error as Error).stack));
    lines.push(`refused ${(error as Error).message}`);
  }
  return lines;
}

/** A step and those inside it: all that it says of itself, and the calls with every byte. */
const linesOf = ({ id, what, shell, calls, inside = [] }: Step<unknown>): string[] => [
  `${id} ${what}
${shell}
${JSON.stringify(calls.map(plain))}`,
  ...inside.flatMap(linesOf),
];
const plain = ({ name, args }: Call): unknown => [
  name,
  ...args.map((arg) =>
    arg instanceof Result ? (arg.of.label ?? arg.of.name) : arg instanceof Unknown || arg instanceof Stored ? arg.label : bytesAsText(arg),
  ),
];
const bytesAsText = (arg: unknown): unknown => {
  if (arg instanceof Struct) return [bytesAsText(arg.bytes), ...arg.pointers.map(([, target]) => bytesAsText(target))];
  return arg instanceof Uint8Array ? Buffer.from(arg).toString('latin1') : typeof arg === 'bigint' ? String(arg) : arg;
};

const record = (spec: Spec): ContainerRecord => ({
  id: 'fields',
  ociVersion: spec.ociVersion,
  bundle: '/bundle',
  rootfs: spec.root.path,
  created: '',
  owner: 0,
  annotations: spec.annotations ?? {},
  hooks: true,
  keyring: true,
  creator: { pid: 1, startTime: '1' },
  cgroup: { driver: 'cgroupfs', path: '', hierarchies: [] },
  namespaces: spec.linux.namespaces.map(({ type }) => type),
});

function* creation(spec: Spec, layout: CgroupLayout, warnings: string[]): Procedure {
  const { cgroupsPath, resources } = spec.linux;
  const cgroup = { driver: 'cgroupfs', path: cgroupPlace(cgroupsPath, 'fields', layout).path, hierarchies: layout.hierarchies.map(titleOf) } as const;
  const created = yield* create({
    id: 'fields',
    owner: 'hako-oci',
    spec,
    rootfs: spec.root.path,
    bundle: '/bundle',
    makeCgroup() {
      const make = (): Procedure<MadeCgroup> => makeCgroup(layout, cgroup, { id: 'fields', driver: 'cgroupfs', resources, rootless: false }, []);
      const group = groupOf(spec.linux.intelRdt, 'fields', () => resctrl);
      return group ? withGroup(make, group) : make();
    },
    *beforePivot(pid) {
      for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const)
        yield* runHooks(kind, { spec, record: record(spec), status: 'creating', pid });
    },
    gate: 9,
    preserveFds: 0,
    supervisor: supervisorOf(spec, record(spec), 'creating'),
  });
  warnings.push(...created.warnings);
}

const execution = ({ process, linux, ...rest }: Spec, layout: CgroupLayout): Procedure<unknown> =>
  execChild({
    id: 'fields',
    owner: 'hako-oci',
    process,
    container: { pid: globalThis.process.pid, startTime: '1' },
    namespaces: ['pid', 'mount'],
    cgroup: { layout, path: '/fields', hierarchies: layout.hierarchies },
    seccomp: linux.seccomp,
    personality: linux.personality,
    preserveFds: 0,
    supervisor: supervisorOf({ process, linux, ...rest }, record({ process, linux, ...rest }), 'running'),
    groupsDenied: false,
    keyring: true,
  });

const lateHooks = (spec: Spec): Procedure[] =>
  (['startContainer', 'poststart', 'poststop'] satisfies HookKind[]).map((kind) =>
    runHooks(kind, { spec, record: { ...record(spec), process: { pid: process.pid, startTime: '1' } }, status: 'stopped', pid: process.pid }),
  );

/** Paths of a schema that hold a value and not more properties; `!` is before those that are refused. */
function* leaves(schema: Schema<unknown>, at = ''): Generator<string> {
  const of = (name: string): string => (at ? `${at}.${name}` : name);
  if (schema.fields) for (const [name, field] of Object.entries(schema.fields)) yield* leaves(field.schema, of(name));
  for (const name of Object.keys(schema.refused ?? {})) yield `!${of(name)}`;
  const inner = schema.items ?? schema.values;
  if (inner?.fields) yield* leaves(inner, `${at}${schema.items ? '[]' : '{}'}`);
  else if (!schema.fields) yield at;
}

/** A path of the schema as one of the document: the last item of an array that has it, the first key of an object. */
function concrete(path: string, document: Json): JsonPath | undefined {
  const at: (string | number)[] = [];
  for (const part of path.split('.')) {
    const [, name = '', kind] = /^(\w+)(\[\]|\{\})?$/.exec(part)!;
    at.push(name);
    const value = valueAt(document, at);
    if (value === undefined) return undefined;
    if (kind === '{}') at.push(Object.keys(value as object)[0]!);
    if (kind === '[]') {
      const rest = path.slice(path.indexOf(part) + part.length + 1).split(/[.[{]/)[0]!;
      at.push((value as Json[]).findLastIndex((item) => rest in (item as object)));
    }
  }
  return at;
}

/** The configuration with one kind of limits alone, since no machine has all; and with or without a user namespace. */
function base(path: string, user: boolean): Json {
  const document = fullConfig() as { linux: { [key: string]: Json } };
  const { resources, uidMappings: _, gidMappings: __, ...linux } = document.linux;
  const namespaces = linux.namespaces as { readonly type: string }[];
  const group = /^linux\.resources\.(\w+)/.exec(path)?.[1];
  return {
    ...document,
    linux: {
      ...linux,
      namespaces: namespaces.filter(({ type }) => user || type !== 'user'),
      ...(user ? { uidMappings: document.linux.uidMappings!, gidMappings: document.linux.gidMappings! } : {}),
      ...(group ? { resources: { [group]: (resources as Record<string, Json>)[group]! } } : {}),
    },
  };
}

const known = new Map<string, string[]>();
/** What becomes of it as it is. */
function unchanged(path: string, user: boolean, layout: CgroupLayout, of: Part): string[] {
  const document = base(path, user);
  const key = `${JSON.stringify(document)} ${machines.indexOf(layout)} ${of}`;
  if (!known.has(key)) known.set(key, outcome(document, layout, of));
  return known.get(key)!;
}

const all = [...leaves(configSchema)];

test('each property has a line here, and no other has', () => {
  const paths = all.filter((path) => !path.startsWith('!'));
  assert.deepEqual(
    paths.filter((path) => !(path in fieldsInForce)),
    [],
    'say where these are done',
  );
  assert.deepEqual(
    Object.keys(fieldsInForce).filter((path) => !paths.includes(path)),
    [],
    'there are no such properties',
  );
});

for (const [path, { step, other, at, file, by }] of Object.entries(fieldsInForce)) {
  if (file !== undefined) {
    const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
    test(`${path} goes to ${file}`, () => assert.match(text, new RegExp(by === undefined ? `\\.${path.split('.').at(-1)}\\b` : `\\b${by}\\b`)));
    continue;
  }
  const parts: Part[] = path.startsWith('process.execCPUAffinity') ? ['exec'] : /^process|seccomp|personality/.test(path) ? ['create', 'exec'] : ['create'];
  for (const of of parts)
    test(`${path} makes ${step} another in ${of}`, () => {
      const seen: string[] = [];
      for (const layout of machines) {
        for (const user of [false, true]) {
          const document = base(path, user);
          const place = at ?? concrete(path, document);
          const before = unchanged(path, user, layout, of);
          if (place === undefined || before.at(-1)!.startsWith('refused')) continue;
          const now = outcome(changed(document, place, other), layout, of);
          seen.push(...now.filter((line) => !before.includes(line)), ...before.filter((line) => !now.includes(line)));
          if (seen.some((line) => line.startsWith(`${step} `))) return;
        }
      }
      assert.fail(`only these differ:\n${[...new Set(seen)].map((line) => line.slice(0, 300)).join('\n')}`);
    });
}

test('the configuration can be explained on each machine, with a user namespace and without', () => {
  for (const layout of machines) for (const user of [false, true]) assert.doesNotMatch(outcome(base('', user), layout).at(-1)!, /^refused/);
});
