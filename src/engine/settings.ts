/** Where an engine keeps its things, and what it calls them. Two engines with different settings do not meet. */
import { join, resolve } from 'node:path';
import { dataDirectory, runDirectory } from '../kernel/user-directories.ts';

export interface Settings {
  /** What must survive a reboot: images, layers, containers, volumes. */
  readonly root: string;
  /** What a reboot ends: socket, lock, state of what runs. */
  readonly run: string;
  /** The bridge's name, which is also that of the nftables table. */
  readonly bridge: string;
  /** The parent of the containers' cgroups, relative to the root of each hierarchy. */
  readonly cgroup: string;
}

/** The settings that the environment gives: HAKO_ROOT, HAKO_RUN, HAKO_BRIDGE, HAKO_CGROUP. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  return {
    root: resolve(dataDirectory(environment)),
    run: resolve(runDirectory(environment)),
    bridge: environment['HAKO_BRIDGE'] || 'hako0',
    cgroup: `/${(environment['HAKO_CGROUP'] || 'hako').replace(/^\/+|\/+$/g, '')}`,
  };
}

/** The engine's socket. */
export const socketPath = (settings: Settings): string => join(settings.run, 'hako.sock');
