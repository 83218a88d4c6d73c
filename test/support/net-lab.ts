/**
 * A machine's network of a test's own, on which `hako net` works: a network namespace that stands for the host, and a mount
 * namespace in which /run/netns is empty. All of it goes with the test's process.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { call } from '../../src/kernel/call.ts';
import { cloneFlags, mountFlags } from '../../src/kernel/flags.ts';
import { must } from '../../src/kernel/perform.ts';
import { enterPrivateNetwork } from './private-network.ts';

/** Enters both. Only for a test file, which is a process of its own. */
export function enterNetLab(): void {
  must(call('unshare', [cloneFlags.CLONE_NEWNS]));
  must(call('mount', ['none', '/', null, mountFlags.MS_REC | mountFlags.MS_PRIVATE, null]));
  must(call('mount', ['tmpfs', '/run', 'tmpfs', 0, null]));
  enterPrivateNetwork();
}

export const main = join(import.meta.dirname, process.env.HAKO_TEST_ENTRY === 'dist' ? '../../dist/hako.js' : '../../src/cli/main.ts');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `hako …` in the lab. */
export function hako(...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** Runs `hako …`, which must succeed; its output. */
export function mustHako(line: string): string {
  const ran = hako(...line.split(' '));
  if (ran.code !== 0) throw new Error(`hako ${line} ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}

/** The classic topology: red and blue on a bridge of the host, the world on a cable of its own that knows no way to them. */
export function buildTopology(): void {
  for (const line of [
    'net add red blue world',
    'net bridge br0 --address 10.7.0.1/24',
    'net veth red:eth0 v-red --address 10.7.0.2/24 --gateway 10.7.0.1 --bridge br0',
    'net veth blue:eth0 v-blue --address 10.7.0.3/24 --gateway 10.7.0.1 --bridge br0',
    'net veth world:eth0 cable --address 192.0.2.2/24 --peer-address 192.0.2.1/24',
    'net nat 10.7.0.0/24',
    'net publish 8080 10.7.0.2:80',
  ])
    mustHako(line);
}
