/** What `docker info` shows: the engine, and the machine it runs on. */
import { createHash } from 'node:crypto';
import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Info } from '../api/schema.ts';
import { noDeviceFilter } from '../runtime/cgroup/limits.ts';
import { hierarchyOf, type CgroupLayout } from '../runtime/cgroup/layout.ts';
import { readText } from '../kernel/cgroupfs.ts';
import { currentNamespaces, notesOf } from './rootless/namespaces-file.ts';
import { engineVersion } from './engine-version.ts';
import type { Parts } from './parts.ts';
import { now, rfc3339 } from './time.ts';

/** Counts, limits that this machine can give, and warnings for those that it cannot. */
export async function engineInfo(parts: Pick<Parts, 'settings' | 'containers' | 'images' | 'events' | 'layout'>): Promise<Info> {
  const { settings, layout } = parts;
  const states = parts.containers.all().map((c) => c.record.state.status);
  const paused = states.filter((s) => s === 'paused').length;
  const running = states.filter((s) => s === 'running' || s === 'restarting').length;
  const system = osRelease();
  const limits = limitsOf(layout);
  const own = currentNamespaces(settings.run);
  const forwarding = readText('/proc/sys/net/ipv4/ip_forward') === '1';
  return {
    ID: engineId(settings.root),
    Containers: states.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: states.length - running - paused,
    Images: parts.images.list().length,
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', fileSystemOf(settings.root)],
      ['Supports d_type', 'true'],
      ['Using metacopy', 'false'],
      ['userxattr', String(own !== undefined)],
    ],
    DockerRootDir: settings.root,
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: null, Log: ['json-file', 'local', 'none'] },
    ...limits,
    IPv4Forwarding: forwarding,
    Debug: false,
    SystemTime: rfc3339(now()),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: layout.mode === 'v2' ? '2' : '1',
    NEventsListener: parts.events.listeners,
    KernelVersion: release(),
    OperatingSystem: system['PRETTY_NAME'] ?? system['NAME'] ?? 'Linux',
    OSVersion: system['VERSION_ID'] ?? '',
    OSType: 'linux',
    Architecture: machine(),
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    IndexServerAddress: '',
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: engineVersion(),
    Runtimes: { hako: {} },
    DefaultRuntime: 'hako',
    LiveRestoreEnabled: true, // containers outlive the engine
    InitBinary: '',
    SecurityOptions: ['name=seccomp,profile=builtin', ...(own ? ['name=rootless'] : []), ...(layout.unified ? ['name=cgroupns'] : [])],
    CDISpecDirs: [],
    Warnings: warningsOf(layout, limits, own ? notesOf(own) : []),
  };
}

/** An identity that stays with the root directory and the machine. */
function engineId(root: string): string {
  return createHash('sha256')
    .update(`${readText('/etc/machine-id') ?? hostname()} ${root}`)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

type Limits = Pick<Info, 'MemoryLimit' | 'SwapLimit' | 'CpuCfsPeriod' | 'CpuCfsQuota' | 'CPUShares' | 'CPUSet' | 'PidsLimit' | 'OomKillDisable'>;

/** Which limits the machine's controllers can give. */
function limitsOf(layout: CgroupLayout): Limits {
  const has = (controller: string): boolean => hierarchyOf(layout, controller) !== undefined;
  const memory = hierarchyOf(layout, 'memory');
  return {
    MemoryLimit: memory !== undefined,
    // Of version 2 the root has no such file: the kernel has swap, or not.
    SwapLimit: memory !== undefined && existsSync(memory.version === 1 ? join(memory.mountPoint, 'memory.memsw.limit_in_bytes') : '/proc/swaps'),
    CpuCfsPeriod: has('cpu'),
    CpuCfsQuota: has('cpu'),
    CPUShares: has('cpu'),
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
    OomKillDisable: memory?.version === 1,
  };
}

function warningsOf(layout: CgroupLayout, limits: Limits, notes: readonly string[]): string[] | null {
  const missing: readonly (readonly [boolean, string])[] = [
    [limits.MemoryLimit, 'No memory limit support'],
    [limits.SwapLimit, 'No swap limit support'],
    [limits.CpuCfsQuota, 'No cpu cfs quota support'],
    [limits.CPUShares, 'No cpu shares support'],
    [limits.CPUSet, 'No cpuset support'],
    [limits.PidsLimit, 'No pids limit support'],
    [hierarchyOf(layout, 'io') !== undefined, 'No blkio limit support'],
    [layout.deviceFilter !== 'none', noDeviceFilter],
  ];
  const warnings = [...missing.flatMap(([there, text]) => (there ? [] : [text])), ...notes].map((text) => `WARNING: ${text}`);
  return warnings.length > 0 ? warnings : null;
}

/** Numbers of statfs(2) with the names that Docker shows. */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0xef53, 'extfs'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
]);

const fileSystemOf = (path: string): string => fileSystems.get(statfsSync(path).type) ?? 'unknown';

/** The fields of os-release(5). */
function osRelease(): Readonly<Record<string, string>> {
  const text = ['/etc/os-release', '/usr/lib/os-release'].map(readText).find((t) => t !== undefined) ?? '';
  return Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/gm)].map(([, key, ...values]) => [key, values.find((v) => v !== undefined) ?? '']),
  );
}
