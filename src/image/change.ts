/**
 * Changes to an image's configuration, in Dockerfile instructions: `--change` of `import` and `commit`.
 * Syntax: https://docs.docker.com/reference/dockerfile/
 */
import { constants } from 'node:os';
import { posix } from 'node:path';
import { invalid } from '../storage/error.ts';
import type { Healthcheck, ImageConfig } from './config.ts';

type Instruction = (config: ImageConfig, rest: string, text: string) => ImageConfig;

const instructions: Readonly<Record<string, Instruction>> = {
  CMD: (config, rest) => ({ ...config, Cmd: command(rest, config.Shell) }),
  // A new entry point makes the old command meaningless, as in a Dockerfile.
  ENTRYPOINT: (config, rest) => ({ ...withoutCommand(config), Entrypoint: command(rest, config.Shell) }),
  ENV: (config, rest, text) => ({ ...config, Env: setEnvironment(config.Env ?? [], pairs(rest, text)) }),
  EXPOSE: (config, rest, text) => ({
    ...config,
    ExposedPorts: {
      ...config.ExposedPorts,
      ...Object.fromEntries(
        words(rest, text)
          .flatMap((w) => ports(w, text))
          .map((p) => [p, {}]),
      ),
    },
  }),
  LABEL: (config, rest, text) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairs(rest, text)) } }),
  USER: (config, rest, text) => ({ ...config, User: only(rest, text) }),
  VOLUME: (config, rest, text) => ({
    ...config,
    Volumes: { ...config.Volumes, ...Object.fromEntries((jsonList(rest) ?? words(rest, text)).map((path) => [path, {}])) },
  }),
  WORKDIR: (config, rest, text) => ({ ...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '/', words(rest, text).join(' ')) }),
  STOPSIGNAL: (config, rest, text) => ({ ...config, StopSignal: signal(only(rest, text), text) }),
  HEALTHCHECK: (config, rest, text) => ({ ...config, Healthcheck: healthcheck(rest, text) }),
  ONBUILD: (config, rest, text) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), onBuild(rest, text)] }),
};

/**
 * The configuration with the changes made, in order.
 * @param changes such as `CMD ["nginx"]` or `ENV A=1 B=2`
 * @throws StorageError (invalid) naming the change that is not understood
 */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  return changes.reduce((current, text) => {
    const [, keyword = '', rest = ''] = /^\s*(\S+)(?:\s+([^]*?))?\s*$/.exec(text) ?? [];
    const instruction = Object.hasOwn(instructions, keyword.toUpperCase()) ? instructions[keyword.toUpperCase()] : undefined;
    if (!instruction) throw invalid(`the change ${JSON.stringify(text)} is not understood: it begins with one of ${Object.keys(instructions).join(', ')}`);
    if (rest === '' && !/^(CMD|ENTRYPOINT)$/i.test(keyword)) throw invalid(`the change ${JSON.stringify(text)} lacks its value`);
    return instruction(current, rest, text);
  }, config);
}

function withoutCommand(config: ImageConfig): ImageConfig {
  const copy = { ...config };
  delete copy.Cmd;
  return copy;
}

/** The exec form is a JSON list; anything else is a line for the shell. */
function command(rest: string, shell: readonly string[] = ['/bin/sh', '-c']): string[] {
  return jsonList(rest) ?? (rest === '' ? [] : [...shell, rest]);
}

function jsonList(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(rest);
    return Array.isArray(list) && list.every((s) => typeof s === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

/** Words as in a Dockerfile: separated by white space, with "…", '…' and backslash taken as the shell takes them. */
function words(rest: string, text: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < rest.length; i++) {
    const c = rest[i]!;
    if (/\s/.test(c)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else if (c === "'" || c === '"') {
      const end = closingQuote(rest, i, text);
      const inside = rest.slice(i + 1, end);
      word = (word ?? '') + (c === '"' ? inside.replace(/\\(["\\$])/g, '$1') : inside);
      i = end;
    } else {
      word = (word ?? '') + (c === '\\' ? (rest[++i] ?? '') : c);
    }
  }
  return word === undefined ? found : [...found, word];
}

function closingQuote(rest: string, start: number, text: string): number {
  const quote = rest[start];
  for (let i = start + 1; i < rest.length; i++) {
    if (quote === '"' && rest[i] === '\\') i++;
    else if (rest[i] === quote) return i;
  }
  throw invalid(`the change ${JSON.stringify(text)} has a quotation mark that is not closed`);
}

/** `KEY=VALUE …`, or the old `KEY the rest`. */
function pairs(rest: string, text: string): [string, string][] {
  const all = words(rest, text);
  if (!all[0]?.includes('=')) {
    const [, key = '', value] = /^(\S+)\s+([^]+)$/.exec(rest) ?? [];
    if (value === undefined) throw invalid(`the change ${JSON.stringify(text)} needs KEY=VALUE`);
    return [[key, value]];
  }
  return all.map((word) => {
    const at = word.indexOf('=');
    if (at <= 0) throw invalid(`the change ${JSON.stringify(text)} needs KEY=VALUE; ${JSON.stringify(word)} is not`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/** Sets variables in a list of `NAME=VALUE`, keeping the place of those that are there. */
function setEnvironment(env: readonly string[], changes: readonly (readonly [name: string, value: string])[]): string[] {
  const map = new Map(env.map((line) => [line.split('=', 1)[0] ?? '', line]));
  for (const [name, value] of changes) map.set(name, `${name}=${value}`);
  return [...map.values()];
}

/** `80`, `80/udp`, `8000-8010/tcp`. */
function ports(word: string, text: string): string[] {
  const [, first, last = first, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || from < 1 || to > 65535 || to < from)
    throw invalid(`the change ${JSON.stringify(text)}: ${JSON.stringify(word)} is no port (PORT or FIRST-LAST, with /tcp, /udp or /sctp)`);
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${protocol.toLowerCase()}`);
}

function only(rest: string, text: string): string {
  const [word, ...more] = words(rest, text);
  if (word === undefined || more.length > 0) throw invalid(`the change ${JSON.stringify(text)} takes exactly one value`);
  return word;
}

function signal(word: string, text: string): string {
  const known = /^\d+$/.test(word)
    ? Number(word) >= 1 && Number(word) <= 64
    : `SIG${word.toUpperCase().replace(/^SIG/, '')}` in constants.signals || /^(SIG)?RTM(IN|AX)([+-]\d+)?$/i.test(word);
  if (!known) throw invalid(`the change ${JSON.stringify(text)}: there is no signal ${JSON.stringify(word)}`);
  return word;
}

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `HEALTHCHECK NONE`, or `HEALTHCHECK [--interval=30s …] CMD command`. */
function healthcheck(rest: string, text: string): Healthcheck {
  if (rest.toUpperCase() === 'NONE') return { Test: ['NONE'] };
  const [, options = '', line] = /^((?:--\S+\s+)*)CMD\s+([^]+)$/i.exec(rest) ?? [];
  if (line === undefined) throw invalid(`the change ${JSON.stringify(text)} needs NONE, or options and CMD with a command`);
  const exec = jsonList(line);
  const check: Healthcheck = { Test: exec ? ['CMD', ...exec] : ['CMD-SHELL', line] };
  for (const option of options.trim().split(/\s+/).filter(Boolean)) {
    const [, name = '', value = ''] = /^--([a-z-]+)=(\S+)$/.exec(option) ?? [];
    if (name === 'interval') check.Interval = duration(value, text);
    else if (name === 'timeout') check.Timeout = duration(value, text);
    else if (name === 'start-period') check.StartPeriod = duration(value, text);
    else if (name === 'start-interval') check.StartInterval = duration(value, text);
    else if (name === 'retries' && /^\d{1,6}$/.test(value)) check.Retries = Number(value);
    else throw invalid(`the change ${JSON.stringify(text)}: ${JSON.stringify(option)} is no option of HEALTHCHECK`);
  }
  return check;
}

/** `1m30s` in nanoseconds, as Go writes durations. */
function duration(value: string, text: string): number {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(value))
    throw invalid(`the change ${JSON.stringify(text)}: ${JSON.stringify(value)} is no duration, such as 30s or 1m30s`);
  return Math.round(
    [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce((sum, [, n = '0', unit = '']) => sum + Number(n) * (units[unit] ?? 0), 0),
  );
}

function onBuild(rest: string, text: string): string {
  if (/^(ONBUILD|FROM|MAINTAINER)\b/i.test(rest)) throw invalid(`the change ${JSON.stringify(text)}: ONBUILD cannot hold ONBUILD, FROM or MAINTAINER`);
  return rest;
}
