/**
 * Fills in a Go template, as `--format` takes them, with what the engine answered in JSON.
 * Differs from Go where JSON does: there are no types, so a field that is not there is an error unless Docker's types have it.
 */
import { format, functions, isTrue } from './template-functions.ts';
import { TemplateError } from './template-lexer.ts';
import { parseTemplate, type CommandNode, type Node, type Operand, type Pipeline } from './template-parser.ts';

export { TemplateError };

/** Gives the text of a template for one value. */
export type Template = (data: unknown) => string;

/**
 * @param source such as `{{.Names}}: {{json .Labels}}`
 * @throws TemplateError when it is not well formed; what it returns throws one when the data does not fit
 */
export function compileTemplate(source: string): Template {
  const nodes = parseTemplate(source);
  return (data) => {
    const out: string[] = [];
    const scope: Scope = { variables: new Map([['$', data]]), parent: undefined };
    run(nodes, data, scope, out);
    return out.join('');
  };
}

interface Scope {
  readonly variables: Map<string, unknown>;
  readonly parent: Scope | undefined;
}

type Leave = 'break' | 'continue' | undefined;

function run(nodes: readonly Node[], dot: unknown, scope: Scope, out: string[]): Leave {
  for (const node of nodes) {
    let leave: Leave;
    if (node.kind === 'text') out.push(node.text);
    else if (node.kind === 'output') {
      const value = evaluate(node.pipeline, dot, scope);
      if (node.pipeline.variables.length === 0) out.push(value === undefined ? '<no value>' : format(value));
    } else if (node.kind === 'range') leave = range(node, dot, scope, out);
    else if (node.kind === 'if' || node.kind === 'with') {
      const inner: Scope = { variables: new Map(), parent: scope };
      const value = evaluate(node.pipeline, dot, inner);
      const holds = isTrue(value);
      leave = run(holds ? node.body : node.otherwise, holds && node.kind === 'with' ? value : dot, inner, out);
    } else return node.kind;
    if (leave) return leave;
  }
  return undefined;
}

function range(node: Node & { kind: 'if' | 'with' | 'range' }, dot: unknown, scope: Scope, out: string[]): Leave {
  const { variables, ...plain } = node.pipeline;
  const over = evaluate({ ...plain, variables: [] }, dot, scope);
  const entries = rangeEntries(over);
  for (const [key, value] of entries) {
    const inner: Scope = { variables: new Map(), parent: scope };
    if (variables.length === 1) inner.variables.set(variables[0]!, value);
    if (variables.length === 2) {
      inner.variables.set(variables[0]!, key);
      inner.variables.set(variables[1]!, value);
    }
    if (run(node.body, value, inner, out) === 'break') break;
  }
  return entries.length ? undefined : run(node.otherwise, dot, { variables: new Map(), parent: scope }, out);
}

/** Index and element of a list, key and value of a map (in the order of the keys, as Go), the numbers below a number. */
function rangeEntries(over: unknown): [unknown, unknown][] {
  if (over === null || over === undefined) return [];
  if (Array.isArray(over)) return over.map((value, i) => [i, value]);
  if (typeof over === 'number') return Array.from({ length: over }, (_, i) => [i, i]);
  if (typeof over === 'object') return Object.entries(over).toSorted(([a], [b]) => (a < b ? -1 : 1));
  throw new TemplateError(`range can't iterate over ${format(over)}`);
}

function evaluate(pipeline: Pipeline, dot: unknown, scope: Scope): unknown {
  let value: unknown;
  for (const [i, command] of pipeline.commands.entries()) value = callCommand(command, dot, scope, i > 0 ? [value] : []);
  for (const name of pipeline.variables) {
    if (pipeline.declares) scope.variables.set(name, value);
    else scopeOf(name, scope).variables.set(name, value);
  }
  return value;
}

function scopeOf(name: string, scope: Scope): Scope {
  for (let s: Scope | undefined = scope; s; s = s.parent) if (s.variables.has(name)) return s;
  throw new TemplateError(`undefined variable ${name}`);
}

/** @param piped the value of the command before, which comes as the last argument */
function callCommand([first, ...rest]: CommandNode, dot: unknown, scope: Scope, piped: readonly unknown[]): unknown {
  if (first.kind === 'function') {
    if (!Object.hasOwn(functions, first.name)) throw new TemplateError(`function "${first.name}" not defined`);
    if (first.name === 'and' || first.name === 'or')
      return shortCircuit(first.name, [...rest.map((o) => () => value(o, dot, scope)), ...piped.map((p) => () => p)]);
    return functions[first.name]!(...rest.map((operand) => value(operand, dot, scope)), ...piped);
  }
  const args = [...rest.map((operand) => value(operand, dot, scope)), ...piped];
  const it = value(first, dot, scope, args);
  if (args.length && !isMethod(first, dot, scope)) throw new TemplateError(`can't give arguments to a value that is no function`);
  return it;
}

function shortCircuit(name: 'and' | 'or', operands: readonly (() => unknown)[]): unknown {
  let last: unknown;
  for (const operand of operands) {
    last = operand();
    if (isTrue(last) === (name === 'or')) return last;
  }
  return last;
}

/** Whether the last of some fields is a function, such as `Label` of a container in a list. */
function isMethod(operand: Operand, dot: unknown, scope: Scope): boolean {
  if (operand.kind !== 'fields') return false;
  let it = value(operand.of, dot, scope);
  for (const name of operand.names.slice(0, -1)) it = field(it, name);
  return typeof (it as Record<string, unknown>)[operand.names.at(-1)!] === 'function';
}

function value(operand: Operand, dot: unknown, scope: Scope, args: readonly unknown[] = []): unknown {
  switch (operand.kind) {
    case 'dot':
      return dot;
    case 'nil':
      return null;
    case 'constant':
      return operand.value;
    case 'variable':
      return scopeOf(operand.name, scope).variables.get(operand.name);
    case 'pipeline':
      return evaluate(operand.pipeline, dot, scope);
    case 'function':
      return callCommand([operand], dot, scope, []);
    default: {
      let it = value(operand.of, dot, scope);
      for (const [i, name] of operand.names.entries()) it = field(it, name, i === operand.names.length - 1 ? args : []);
      return it;
    }
  }
}

/** Fields that Docker's types have and its JSON leaves out when they are empty. */
const optionalFields = new Set([
  'Health',
  'Healthcheck',
  'SizeRw',
  'SizeRootFs',
  'Error',
  'Variant',
  'OsVersion',
  'Labels',
  'Status',
  'UsageData',
  'StopTimeout',
  'Volumes',
  'ExposedPorts',
  'StorageOpt',
  'Tmpfs',
  'Sysctls',
  'Mounts',
  'Init',
  'Annotations',
  'Entrypoint',
  'Cmd',
  'Env',
  'StopSignal',
  'PortBindings',
  'MacAddress',
  'Created',
]);

function field(of: unknown, name: string, args: readonly unknown[] = []): unknown {
  if (of === null || of === undefined) throw new TemplateError(`can't get the field ${name} of nothing (nil)`);
  if (typeof of !== 'object' || Array.isArray(of))
    throw new TemplateError(`can't get the field ${name} of ${Array.isArray(of) ? 'a list' : JSON.stringify(of)}`);
  if (!(name in of)) {
    if (optionalFields.has(name)) return null;
    const known = Object.keys(of);
    throw new TemplateError(`there is no field ${name}${known.length && known.length <= 60 ? ` (there are ${known.join(', ')})` : ''}`);
  }
  const it = (of as Record<string, unknown>)[name];
  return typeof it === 'function' ? (it as (...args: unknown[]) => unknown)(...args) : it;
}
