/**
 * What a test needs beyond Node: a program from a Debian package, or a property of the machine. A test that cannot run here is
 * skipped and says why. Where scripts/install-test-packages.sh has run (HAKO_REQUIRE=all), a missing program is a failure.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Programs that tests use, and the Debian package of each. scripts/install-test-packages.sh installs these packages; those that call an
 * OCI runtime, which only test/callers needs, scripts/install-caller-packages.sh.
 */
export const packageOf = {
  'aarch64-linux-gnu-objdump': 'binutils-aarch64-linux-gnu',
  buildah: 'buildah',
  bwrap: 'bubblewrap',
  capsh: 'libcap2-bin',
  conmon: 'conmon',
  containerd: 'containerd',
  crun: 'crun',
  curl: 'curl',
  'dbus-daemon': 'dbus-daemon',
  'dbus-monitor': 'dbus-bin',
  dockerd: 'docker.io',
  getcap: 'libcap2-bin',
  getpcaps: 'libcap2-bin',
  ip: 'iproute2',
  losetup: 'mount',
  'mkfs.ext4': 'e2fsprogs',
  mmdebstrap: 'mmdebstrap',
  newgidmap: 'uidmap',
  newuidmap: 'uidmap',
  nft: 'nftables',
  objdump: 'binutils',
  podman: 'podman',
  pasta: 'passt',
  ps: 'procps',
  python3: 'python3',
  'qemu-aarch64': 'qemu-user',
  runc: 'runc',
  setcap: 'libcap2-bin',
  script: 'bsdutils',
  setpriv: 'util-linux',
  skopeo: 'skopeo',
  slirp4netns: 'slirp4netns',
  strace: 'strace',
  umoci: 'umoci',
  unshare: 'util-linux',
  xz: 'xz-utils',
  zstd: 'zstd',
} as const;

/** A program that tests may ask for. */
export type Program = keyof typeof packageOf;

/** Where a program is, or undefined. */
export function findProgram(name: string): string | undefined {
  const directories = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':').filter(Boolean);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The `skip` option of a test that runs other programs: `test('…', { skip: needs('skopeo', 'umoci') }, …)`.
 * @returns false when all are installed, else the reason to skip
 * @throws Error instead of skipping when HAKO_REQUIRE=all
 */
export function needs(...programs: readonly Program[]): string | false {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return false;
  const reason = `Debian package missing: ${[...new Set(missing.map((name) => packageOf[name]))].join(', ')}`;
  if (process.env.HAKO_REQUIRE === 'all') throw new Error(`${reason} (scripts/install-test-packages.sh installs it)`);
  return reason;
}

/** The `skip` option of a test that changes the kernel's state. */
export function needsRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'needs root';
}

/** The `skip` option of a test that needs a cgroup controller: `memory`, `pids`, … in whichever version the machine has it. */
export function needsController(controller: string): string | false {
  const v1 = existsSync(`/sys/fs/cgroup/${controller}/tasks`);
  const v2 = ['/sys/fs/cgroup/cgroup.controllers', '/sys/fs/cgroup/unified/cgroup.controllers'].some(
    (path) => existsSync(path) && readFileSync(path, 'utf8').split(/\s+/).includes(controller),
  );
  return v1 || v2 ? false : `the kernel offers no cgroup controller ${controller} here`;
}

/** The first of several `skip` options that skips, so that a test can have several needs. */
export function firstOf(...reasons: readonly (string | false)[]): string | false {
  return reasons.find((reason) => reason !== false) ?? false;
}
