/** The index of hako-oci's commands: names and one line each. A command's own file is loaded only when it is used. */
import type { Command } from './command.ts';

/** A command as the index knows it. */
export interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly command: Command }>;
}

export const commands: Readonly<Record<string, Entry>> = {
  checkpoint: { summary: 'write a running container into files', load: () => import('./commands/checkpoint.ts') },
  create: { summary: 'create a container', load: () => import('./commands/create.ts') },
  delete: { summary: 'take away what a container holds', load: () => import('./commands/delete.ts') },
  events: { summary: 'show what a container uses, and that it ran out of memory', load: () => import('./commands/events.ts') },
  exec: { summary: 'run one more program in a container', load: () => import('./commands/exec.ts') },
  features: { summary: 'show what this runtime can do', load: () => import('./commands/features.ts') },
  kill: { summary: "send a signal to a container's process", load: () => import('./commands/kill.ts') },
  list: { summary: 'list containers', load: () => import('./commands/list.ts') },
  pause: { summary: 'pause all processes of a container', load: () => import('./commands/pause.ts') },
  ps: { summary: 'list the processes of a container', load: () => import('./commands/ps.ts') },
  restore: { summary: 'make a container again of a checkpoint', load: () => import('./commands/restore.ts') },
  resume: { summary: 'let the processes of a paused container go on', load: () => import('./commands/resume.ts') },
  run: { summary: 'create and start a container, and wait for its end', load: () => import('./commands/run.ts') },
  spec: { summary: 'write a config.json to begin with', load: () => import('./commands/spec.ts') },
  start: { summary: 'start a created container', load: () => import('./commands/start.ts') },
  state: { summary: 'show the state of a container', load: () => import('./commands/state.ts') },
  update: { summary: "change a container's limits", load: () => import('./commands/update.ts') },
};
