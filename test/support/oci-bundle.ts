/** A bundle for hako-oci whose root has the machine's own programs, and configurations of it. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './full-config.ts';

/** A part of config.json. */
export type Part = { [key: string]: Json };

/** Makes the bundle's root file system: `/usr` is to be mounted ({@link bundleConfig}), and the rest leads there. */
export function makeBundle(bundle: string): void {
  for (const name of ['usr', 'proc', 'dev', 'tmp', 'etc']) mkdirSync(join(bundle, 'rootfs', name), { recursive: true });
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) symlinkSync(`usr/${name}`, join(bundle, 'rootfs', name));
}

/** A configuration with namespaces of its own and little else. @param cgroup the path of its cgroup */
export function bundleConfig(cgroup: string, args: readonly string[] = ['sleep', '1000']): Part & { process: Part; mounts: Part[]; linux: Part; root: Part } {
  return {
    ociVersion: '1.2.0',
    process: { args: [...args], env: ['PATH=/usr/bin:/bin'], cwd: '/', user: { uid: 0, gid: 0 } },
    root: { path: 'rootfs' },
    hostname: 'box',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
      { destination: '/usr', type: 'bind', source: '/usr', options: ['bind', 'ro'] },
    ],
    linux: { namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })), cgroupsPath: cgroup },
  };
}

/** Writes it. */
export const writeConfig = (bundle: string, config: Json): void => writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
