import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import type { ContainerCreateBody, HostConfig } from '../../api/schema.ts';
import { fakeLayout, pureV2 } from '../../runtime/cgroup/fixture.ts';
import type { EngineError } from '../engine.ts';
import { online, parseCpuList } from '../../runtime/cpu-list.ts';
import { hostnameOf } from './hostname.ts';
import { oomScoreOf, rlimitsOf, type Powers } from './limits.ts';
import { updateResources } from './resources.ts';
import { validateCreate, validateName } from './validate.ts';

/** Checks that each request is refused with a sentence that matches. */
function refuses(cases: readonly (readonly [ContainerCreateBody, RegExp, status?: number])[]): void {
  for (const [body, sentence, status = 400] of cases) {
    assert.throws(
      () => validateCreate(body),
      (error: EngineError) => {
        assert.match(error.message, sentence);
        assert.equal(error.status, status, error.message);
        return true;
      },
      `${JSON.stringify(body)} is not refused`,
    );
  }
}

const host = (HostConfig: HostConfig): ContainerCreateBody => ({ HostConfig });
const cpus = parseCpuList(online('cpu'))!.size;

test('names are those that Docker takes', () => {
  for (const name of ['web', '/web', 'a_b.c-1']) validateName(name);
  for (const name of ['', 'a', '-a', 'a/b', 'a b', '.ab', 'a'.repeat(256)])
    assert.throws(() => validateName(name), /^EngineError: Invalid container name \(/, name);
});

test('limits that cannot be are refused in the words of Docker', () => {
  refuses([
    [host({ Memory: 1 }), /^Minimum memory limit allowed is 6MB$/],
    [host({ Memory: 8 << 20, MemorySwap: 7 << 20 }), /^Minimum memoryswap limit should be larger than memory limit, see usage$/],
    [host({ MemorySwap: 8 << 20 }), /^You should always set the Memory limit when using Memoryswap limit, see usage$/],
    [host({ Memory: 8 << 20, MemoryReservation: 9 << 20 }), /^Minimum memory limit can not be less than memory reservation limit, see usage$/],
    [host({ MemorySwappiness: 101 }), /^Invalid value: 101, valid memory swappiness range is 0-100$/],
    [host({ NanoCpus: (cpus + 1) * 1e9 }), new RegExp(`^range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available$`)],
    [host({ NanoCpus: 1e6 }), /^range of CPUs/],
    [host({ NanoCpus: 1e9, CpuQuota: 5000 }), /^Conflicting options: Nano CPUs and CPU Quota cannot both be set$/],
    [host({ CpuPeriod: 999 }), /^CPU cfs period can not be less than 1ms/],
    [host({ CpuQuota: 999 }), /^CPU cfs quota can not be less than 1ms/],
    [host({ CpusetCpus: '0-' }), /^Invalid value 0- for cpuset cpus$/],
    [host({ CpusetCpus: '0,4095' }), /^Requested CPUs are not available - requested 0,4095, available: /],
    [host({ CpusetMems: '900' }), /^Requested memory nodes are not available - requested 900, available: /],
    [host({ BlkioWeight: 9 }), /^Range of blkio weight is from 10 to 1000$/],
    [host({ CgroupParent: '/a/../../b' }), /^invalid cgroup parent/],
    [host({ OomScoreAdj: -1001 }), /^Invalid value -1001, range for oom score adj is \[-1000, 1000\]$/],
    [host({ Ulimits: [{ Name: 'nofile', Soft: 5, Hard: 4 }] }), /^ulimit soft limit must be less than or equal to hard limit: 5 > 4$/],
    [host({ Ulimits: [{ Name: 'files', Soft: 5, Hard: 5 }] }), /^invalid ulimit type: "files"/],
    [host({ ShmSize: -1 }), /^SHM size can not be less than 0$/],
    [host({ BlkioWeightDevice: [{ Path: '/dev/null', Weight: 5 }] }), /^Range of blkio weight/],
  ]);
});

test('options that contradict each other are refused', () => {
  refuses([
    [{ Hostname: 'a', HostConfig: { UTSMode: 'host' } }, /^conflicting options: hostname and the UTS mode$/],
    [{ Hostname: 'a', HostConfig: { NetworkMode: 'container:b' } }, /^conflicting options: hostname and the network mode$/],
    [host({ NetworkMode: 'container:b', PublishAllPorts: true }), /^conflicting options: port publishing and the container type network mode$/],
    [
      { ExposedPorts: { '80/tcp': {} }, HostConfig: { NetworkMode: 'container:b' } },
      /^conflicting options: port exposing and the container type network mode$/,
    ],
    [host({ NetworkMode: 'container:b', DnsSearch: ['x'] }), /^conflicting options: dns and the network mode$/],
    [host({ AutoRemove: true, RestartPolicy: { Name: 'always' } }), /^can't create 'AutoRemove' container with restart policy$/],
    [host({ RestartPolicy: { Name: 'always', MaximumRetryCount: 2 } }), /^invalid restart policy: maximum retry count can only be used with 'on-failure'$/],
    [host({ UsernsMode: 'private', Privileged: true }), /^privileged mode is incompatible with user namespaces/],
    [host({ UsernsMode: 'private', PidMode: 'host' }), /^cannot share the host PID namespace when user namespaces are enabled$/],
    [host({ UTSMode: 'host', Sysctls: { 'kernel.domainname': 'a' } }), /uts/],
    [host({ NetworkMode: 'host', Sysctls: { 'net.ipv4.ip_forward': '1' } }), /network/],
  ]);
});

test('values that are none, and features that there are not, are refused', () => {
  refuses([
    [host({ NetworkMode: 'other' }), /^network other not found/, 404],
    [host({ PidMode: 'x' }), /^invalid PID mode: x$/],
    [host({ IpcMode: 'container:' }), /^invalid IPC mode/],
    [host({ UsernsMode: 'private:0' }), /^invalid --userns/],
    [host({ UsernsMode: 'private:100000:4294967295' }), /^invalid --userns/],
    [host({ Runtime: 'kata' }), /^unknown or invalid runtime name: kata$/],
    [host({ Isolation: 'hyperv' }), /^invalid isolation 'hyperv'/],
    [host({ DeviceRequests: [{ Driver: 'nvidia' }] }), /^could not select device driver "nvidia"/],
    [host({ StorageOpt: { size: '1g' } }), /^storage options are not supported/],
    [host({ SecurityOpt: ['nothing=1'] }), /^invalid --security-opt "nothing=1"/],
    [host({ SecurityOpt: ['seccomp=/etc/passwd'] }), /the API takes the profile itself/],
    [host({ CapAdd: ['NO_SUCH'] }), /^invalid CapAdd: unknown capability: "CAP_NO_SUCH"/],
    [host({ Devices: [{ PathOnHost: 'dev/null' }] }), /^"dev\/null" is not a device path/],
    [host({ Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/etc/null' }] }), /must be below \/dev$/],
    [host({ Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/../etc/null' }] }), /must be below \/dev$/],
    [host({ Devices: [{ PathOnHost: '/dev/null', CgroupPermissions: 'rr' }] }), /^invalid device mode: rr/],
    [host({ PortBindings: { '80x': [] } }), /^invalid port specification: "80x"/],
    [host({ ExtraHosts: ['a:b'] }), /^"a:b" is not a host for --add-host/],
    [host({ Dns: ['ns.example'] }), /is not the address of a name server/],
    [host({ Annotations: { 'hakobune.time.boottime': '1d' } }), /^the annotation hakobune.time.boottime=1d is not a whole number of seconds$/],
    [host({ MaskedPaths: ['proc/kcore'] }), /is not absolute$/],
    [{ NetworkingConfig: { EndpointsConfig: { bridge: {}, none: {} } } }, /^Container cannot be connected to network endpoints: bridge, none$/],
    [{ NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: { IPv4Address: '1.2.3.4' } } } } }, /user specified IP address is supported only/],
    [{ WorkingDir: 'a' }, /^the working directory 'a' is invalid, it needs to be an absolute path$/],
    [{ StopSignal: 'SIGNO' }, /^Invalid signal: SIGNO$/],
    [{ Env: ['=a'] }, /^invalid environment variable: =a$/],
    [{ Cmd: ['a\0b'] }, /NUL character/],
    [{ Hostname: 'a\nb' }, /^invalid hostname format/],
    [{ Hostname: 'a'.repeat(65) }, /^invalid hostname format/],
    [{ Domainname: 'a b' }, /^invalid domain name/],
    [{ MacAddress: '02:42' }, /^invalid MAC address: 02:42$/],
    [{ Healthcheck: { Interval: 10 } }, /^Interval in Healthcheck cannot be less than 1ms$/],
    [{ Healthcheck: { Test: ['SHELL', 'a'] } }, /^unknown type "SHELL" in Healthcheck/],
  ]);
});

test('what has no effect, or cannot be given on this machine, is a warning', (t) => {
  assert.deepEqual(validateCreate({}), []);
  assert.deepEqual(validateCreate(host({ NetworkMode: 'host', PortBindings: { '80/tcp': [{ HostPort: '80' }] } })), [
    'Published ports are discarded when using host network mode',
  ]);
  assert.match(validateCreate(host({ IpcMode: 'container:other' })).join(), /^POSIX shared memory \(\/dev\/shm\) is not shared with the container other/);
  assert.match(validateCreate(host({ OomKillDisable: true })).join(), /^OOM killer is disabled for the container, but no memory limit is set/);
  assert.match(validateCreate({ MacAddress: '02:42:ac:11:00:02' }).join(), /^The MAC address 02:42:ac:11:00:02 is not given/);
  const layout = fakeLayout(t, pureV2, true);
  assert.match(validateCreate(host({ MemorySwappiness: 10 }), layout).join(), /^The swappiness will not be in force/);
  assert.deepEqual(validateCreate(host({ Memory: 64 << 20, NanoCpus: 1e9 }), layout), []);
});

test('an update is held to the same rules, together with what was set before', () => {
  const before: HostConfig = { Memory: 64 << 20, NanoCpus: 1e9, AutoRemove: true };
  const { hostConfig, resources } = updateResources(before, { Memory: 32 << 20, PidsLimit: 5 });
  assert.deepEqual([hostConfig.Memory, hostConfig.NanoCpus, hostConfig.PidsLimit], [32 << 20, 1e9, 5]);
  assert.deepEqual(resources.memory, { limit: 32 << 20, swap: 64 << 20 });
  assert.throws(() => updateResources(before, { Memory: 1 }), /Minimum memory limit allowed is 6MB/);
  assert.throws(() => updateResources(before, { CpuQuota: 5000 }), /^EngineError: Conflicting options: Nano CPUs and CPU Quota cannot both be set/);
  assert.throws(() => updateResources(before, { RestartPolicy: { Name: 'always' } }), /Restart policy cannot be updated because AutoRemove is enabled/);
});

test('rlimits and OOM scores are cut to what the engine may give, with a word about it', () => {
  const weak: Powers = { resource: false, hardLimits: new Map([['RLIMIT_NOFILE', 1000]]), oomScoreAdj: 100 };
  const strong: Powers = { ...weak, resource: true };
  const asked = {
    Ulimits: [
      { Name: 'nofile', Soft: 2000, Hard: 4000 },
      { Name: 'core', Soft: -1, Hard: -1 },
      { Name: 'core', Soft: 0, Hard: 5 },
    ],
  };
  const cut = rlimitsOf(asked, weak);
  assert.deepEqual(cut.rlimits, [
    { type: 'RLIMIT_NOFILE', soft: 1000, hard: 1000 },
    { type: 'RLIMIT_CORE', soft: 0, hard: 5 },
  ]);
  assert.match(cut.warnings.join(), /^RLIMIT_NOFILE is limited to 1000 instead of 4000/);
  assert.deepEqual(rlimitsOf(asked, strong).rlimits[0], { type: 'RLIMIT_NOFILE', soft: 2000, hard: 4000 });
  assert.deepEqual(oomScoreOf({ OomScoreAdj: 100 }, weak), { warnings: [] });
  assert.deepEqual(oomScoreOf({ OomScoreAdj: 500 }, weak), { value: 500, warnings: [] });
  assert.deepEqual(oomScoreOf({}, weak), { warnings: [] });
  assert.deepEqual(oomScoreOf({}, strong), { value: 0, warnings: [] });
  const kept = oomScoreOf({ OomScoreAdj: -5 }, weak);
  assert.equal(kept.value, undefined);
  assert.match(kept.warnings.join(), /^The OOM score stays at 100 instead of -5/);
});

test('lists of processors are read, however hostile', () => {
  assert.deepEqual([...parseCpuList('0-2,4')!], [0, 1, 2, 4]);
  for (const text of ['', ' ', '1-', '-1', '3-1', '0-99999', '0,,1', 'a', '0-4294967295']) assert.equal(parseCpuList(text), undefined, text);
});

test('a container is called what was asked, as the host whose names it shares, or by its id', () => {
  const id = '0123456789abcdef';
  assert.equal(hostnameOf(id, {}, {}), '0123456789ab');
  assert.equal(hostnameOf(id, { Hostname: 'web' }, { NetworkMode: 'host' }), 'web');
  assert.equal(hostnameOf(id, {}, { NetworkMode: 'host' }), hostname());
  assert.equal(hostnameOf(id, {}, { UTSMode: 'host' }), hostname());
});
