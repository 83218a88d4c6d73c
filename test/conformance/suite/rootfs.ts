/**
 * The root file system of the suite's bundles: Debian's static busybox under the names of its applets, and the few files that a
 * system has. The probe is a script for its shell: nothing is needed that the bundle does not bring.
 */
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const directories = ['bin', 'dev', 'etc', 'home', 'mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'var'];

const applets = `awk basename cat chmod chown cp cut date dd dirname echo env expr false find grep head hostname id ionice ip kill linux32 ln ls mkdir
  mkfifo mknod mount mv nice od printf ps pwd readlink renice rm rmdir sed setpriv sh sleep sort stat stty sync sysctl tail tee test touch tr true tty
  umount uname unshare wc yes`.split(/\s+/);

const candidates = ['/bin/busybox', '/usr/bin/busybox'];

/** Why there can be no root file system, or false. */
export function needsBusybox(): string | false {
  return candidates.some((path) => existsSync(path)) ? false : 'Debian package missing: busybox-static';
}

/** Puts one copy of busybox beside the bundles, of which each root file system has a link. */
export function placeBusybox(directory: string): void {
  const source = candidates.find((path) => existsSync(path));
  if (source === undefined) throw new Error('there is no busybox here: install the Debian package busybox-static');
  copyFileSync(source, join(directory, 'busybox'));
  chmodSync(join(directory, 'busybox'), 0o755);
}

/** Makes a root file system. */
export function makeRootfs(rootfs: string, busybox: string): void {
  mkdirSync(rootfs);
  chmodSync(rootfs, 0o755);
  for (const name of directories) mkdirSync(join(rootfs, name));
  chmodSync(join(rootfs, 'tmp'), 0o1777);
  linkSync(busybox, join(rootfs, 'bin/busybox'));
  for (const name of applets) symlinkSync('busybox', join(rootfs, 'bin', name));
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nprobe:x:1000:1000:probe:/home:/bin/sh\n');
  writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nprobe:x:1000:\n');
}
