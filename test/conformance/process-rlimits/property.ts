/** The resource limits of the container's process. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configPOSIXProcess';

/** Names in /proc/PID/limits, see proc(5). */
const lineOf: Readonly<Record<string, string>> = {
  RLIMIT_AS: 'Max address space',
  RLIMIT_CORE: 'Max core file size',
  RLIMIT_CPU: 'Max cpu time',
  RLIMIT_DATA: 'Max data size',
  RLIMIT_FSIZE: 'Max file size',
  RLIMIT_LOCKS: 'Max file locks',
  RLIMIT_MEMLOCK: 'Max locked memory',
  RLIMIT_MSGQUEUE: 'Max msgqueue size',
  RLIMIT_NICE: 'Max nice priority',
  RLIMIT_NOFILE: 'Max open files',
  RLIMIT_NPROC: 'Max processes',
  RLIMIT_RSS: 'Max resident set',
  RLIMIT_RTPRIO: 'Max realtime priority',
  RLIMIT_RTTIME: 'Max realtime timeout',
  RLIMIT_SIGPENDING: 'Max pending signals',
  RLIMIT_STACK: 'Max stack size',
};

/** Soft and hard limit, as the kernel prints them. */
function limitOf(text: string, type: string): readonly (string | undefined)[] {
  const line = text.split('\n').find((line) => line.startsWith(lineOf[type]!));
  return line!.slice(lineOf[type]!.length).trim().split(/\s+/).slice(0, 2);
}

/** Limits below what this process has, since to raise one needs CAP_SYS_RESOURCE. */
function lower(type: string): { readonly type: string; readonly soft: number; readonly hard: number } {
  const hard = limitOf(readFileSync('/proc/self/limits', 'utf8'), type)[1];
  const most = { RLIMIT_NICE: 0, RLIMIT_RTPRIO: 0, RLIMIT_AS: 2 ** 36, RLIMIT_DATA: 2 ** 34, RLIMIT_FSIZE: 2 ** 30, RLIMIT_STACK: 2 ** 22 }[type] ?? 4096;
  const limit = hard === 'unlimited' ? most : Math.min(most, Number(hard));
  return { type, soft: Math.floor(limit / 2), hard: limit };
}

export default {
  'of every kind are set': {
    spec,
    must: 'getrlimit(2) of each type gives soft and hard as they were configured.',
    check: async (bench) => {
      const rlimits = Object.keys(lineOf).map(lower);
      const text = await bench.report({ script: 'cat /proc/self/limits', process: { rlimits } });
      const found = Object.fromEntries(rlimits.map(({ type }) => [type, limitOf(text, type)]));
      assert.deepEqual(found, Object.fromEntries(rlimits.map(({ type, soft, hard }) => [type, [String(soft), String(hard)]])));
    },
  },
  'may be unlimited': {
    spec,
    must: 'The limits are 64-bit numbers; the greatest means no limit.',
    needs: () => (limitOf(readFileSync('/proc/self/limits', 'utf8'), 'RLIMIT_CORE')[1] === 'unlimited' ? false : 'core files are limited here'),
    check: async (bench) => {
      const bundle = bench.bundle({
        script: 'cat /proc/self/limits',
        process: { rlimits: [{ type: 'RLIMIT_CORE', soft: 'MOST', hard: 'MOST' }] },
      });
      bench.edit(bundle, (text) => text.replaceAll('"MOST"', '18446744073709551615'));
      assert.deepEqual(limitOf(await bench.report(bundle), 'RLIMIT_CORE'), ['unlimited', 'unlimited']);
    },
  },
  'of one kind are not given twice': {
    spec,
    must: 'A type that occurs twice is an error.',
    check: async (bench) => {
      const limit = lower('RLIMIT_NOFILE');
      await bench.refused({ process: { rlimits: [limit, { ...limit, soft: 16 }] } });
    },
  },
  'of no kind that there is are refused': {
    spec,
    must: 'A type that the kernel does not have is an error.',
    check: async (bench) => {
      await bench.refused({ process: { rlimits: [{ type: 'RLIMIT_PATIENCE', soft: 1, hard: 1 }] } });
    },
  },
} satisfies Property;
