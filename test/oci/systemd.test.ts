/**
 * The systemd driver where systemd is process 1: a container's scope as systemctl(1) and the kernel show it. Elsewhere
 * src/oci/systemd/systemd.test.ts has a systemd that is none; scripts/vm has a machine with one.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { configOf } from '../conformance/suite/config.ts';
import { makeRootfs, needsBusybox, placeBusybox } from '../conformance/suite/rootfs.ts';
import { needsRoot } from '../support/needs.ts';
import { OciRuntime } from '../support/oci-runtime.ts';

const noSystemd = existsSync('/run/systemd/system') ? false : 'systemd is not process 1 here';
const skip = noSystemd || needsRoot() || needsBusybox();

const systemctl = (...words: string[]): string => execFileSync('systemctl', words, { encoding: 'utf8' }).trim();

test('systemd makes the cgroup of a container, knows its limits, and forgets it', { skip }, async () => {
  await using runtime = new OciRuntime();
  const bundle = join(runtime.base, 'bundle');
  mkdirSync(bundle);
  placeBusybox(runtime.base);
  makeRootfs(join(bundle, 'rootfs'), join(runtime.base, 'busybox'));
  const name = `hako-test-${process.pid}`;
  const unit = `box-${name}.scope`;
  const asked = { script: 'exec sleep 1000', linux: { resources: { pids: { limit: 20 }, memory: { limit: 64 << 20 } } } };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(configOf(asked, `hakotest-a.slice:box:${name}`, bundle)));
  const hakoOci = (...words: string[]): string => runtime.must('--systemd-cgroup', ...words);

  // Not with pipes: a created container keeps its caller's streams.
  execFileSync(process.execPath, [...runtime.words, '--systemd-cgroup', 'create', '--bundle', bundle, name], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    const { pid } = JSON.parse(hakoOci('state', name)) as { pid: number };
    assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`:/hakotest\\.slice/hakotest-a\\.slice/${unit.replaceAll('.', '\\.')}$`, 'm'));
    assert.equal(systemctl('show', '--value', '--property=ActiveState', unit), 'active');
    assert.equal(systemctl('show', '--value', '--property=TasksMax', unit), '20');
    hakoOci('start', name);
    hakoOci('update', '--pids-limit', '30', name);
    systemctl('daemon-reload');
    assert.equal(systemctl('show', '--value', '--property=TasksMax', unit), '30');
    assert.match(hakoOci('exec', name, 'cat', '/proc/self/cgroup'), new RegExp(`/${unit.replaceAll('.', '\\.')}$`, 'm'));
  } finally {
    hakoOci('delete', '--force', name);
    systemctl('stop', 'hakotest.slice');
  }
  assert.equal(systemctl('show', '--value', '--property=ActiveState', unit), 'inactive');
});
