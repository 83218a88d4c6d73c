/** The index of all commands: names and one line each. A command's own file is loaded only when it is used, or documented. */
import type { Entry } from './command.ts';

const attach: Entry = { summary: 'Attach local standard input, output, and error streams to a running container', load: () => import('./commands/attach.ts') };
const commit: Entry = { summary: "Create a new image from a container's changes", load: () => import('./commands/commit.ts') };
const cp: Entry = { summary: 'Copy files/folders between a container and the local filesystem', load: () => import('./commands/cp.ts') };
const create: Entry = { summary: 'Create a new container', load: () => import('./commands/create.ts') };
const diff: Entry = { summary: "Inspect changes to files or directories on a container's filesystem", load: () => import('./commands/diff.ts') };
const events: Entry = { summary: 'Get real time events from the engine', load: () => import('./commands/events.ts') };
const exec: Entry = { summary: 'Execute a command in a running container', load: () => import('./commands/exec.ts') };
const exportContainer: Entry = { summary: "Export a container's filesystem as a tar archive", load: () => import('./commands/export.ts') };
const history: Entry = { summary: 'Show the history of an image', load: () => import('./commands/history.ts') };
const images: Entry = { summary: 'List images', load: () => import('./commands/images.ts') };
const importImage: Entry = { summary: 'Make an image from a root filesystem or an image archive', load: () => import('./commands/import.ts') };
const info: Entry = { summary: 'Display system-wide information', load: () => import('./commands/info.ts') };
const kill: Entry = { summary: 'Kill one or more running containers', load: () => import('./commands/kill.ts') };
const load: Entry = { summary: 'Load images from a tar archive or STDIN', load: () => import('./commands/load.ts') };
const logs: Entry = { summary: 'Fetch the logs of a container', load: () => import('./commands/logs.ts') };
const pause: Entry = { summary: 'Pause all processes within one or more containers', load: () => import('./commands/pause.ts') };
const port: Entry = { summary: 'List port mappings or a specific mapping for the container', load: () => import('./commands/port.ts') };
const ps: Entry = { summary: 'List containers', load: () => import('./commands/ps.ts') };
const rename: Entry = { summary: 'Rename a container', load: () => import('./commands/rename.ts') };
const restart: Entry = { summary: 'Restart one or more containers', load: () => import('./commands/restart.ts') };
const rm: Entry = { summary: 'Remove one or more containers', load: () => import('./commands/rm.ts') };
const rmi: Entry = { summary: 'Remove one or more images', load: () => import('./commands/rmi.ts') };
const run: Entry = { summary: 'Create and run a new container from an image', load: () => import('./commands/run.ts') };
const save: Entry = { summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)', load: () => import('./commands/save.ts') };
const start: Entry = { summary: 'Start one or more stopped containers', load: () => import('./commands/start.ts') };
const stats: Entry = { summary: 'Display a live stream of container(s) resource usage statistics', load: () => import('./commands/stats.ts') };
const stop: Entry = { summary: 'Stop one or more running containers', load: () => import('./commands/stop.ts') };
const tag: Entry = { summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE', load: () => import('./commands/tag.ts') };
const top: Entry = { summary: 'Display the running processes of a container', load: () => import('./commands/top.ts') };
const unpause: Entry = { summary: 'Unpause all processes within one or more containers', load: () => import('./commands/unpause.ts') };
const update: Entry = { summary: 'Update configuration of one or more containers', load: () => import('./commands/update.ts') };
const wait: Entry = { summary: 'Block until one or more containers stop, then print their exit codes', load: () => import('./commands/wait.ts') };

const volumeLs: Entry = { summary: 'List volumes', load: () => import('./commands/volume-ls.ts') };
const volumeRm: Entry = { summary: 'Remove one or more volumes', load: () => import('./commands/volume-rm.ts') };

const alias = (entry: Entry): Entry => ({ ...entry, hidden: true });

export const commands: Readonly<Record<string, Entry>> = {
  run,
  exec,
  ps,
  images,
  create,
  start,
  stop,
  restart,
  kill,
  pause,
  unpause,
  wait,
  attach,
  logs,
  top,
  stats,
  port,
  rename,
  update,
  rm,
  inspect: { summary: 'Return low-level information on containers, images and volumes', load: () => import('./commands/inspect.ts') },
  diff,
  commit,
  cp,
  export: exportContainer,
  import: importImage,
  load,
  save,
  tag,
  history,
  rmi,
  events,
  info,
  version: { summary: 'Show the version of the client and of the engine', load: () => import('./commands/version.ts') },
  completion: { summary: 'Generate the autocompletion script for a shell', load: () => import('./commands/completion.ts') },
  __complete: { summary: 'Answer a completion script', load: () => import('./commands/complete.ts'), hidden: true },
  container: {
    summary: 'Manage containers',
    commands: {
      attach,
      commit,
      cp,
      create,
      diff,
      exec,
      export: exportContainer,
      inspect: { summary: 'Display detailed information on one or more containers', load: () => import('./commands/container-inspect.ts') },
      kill,
      logs,
      ls: ps,
      list: alias(ps),
      ps: alias(ps),
      pause,
      port,
      prune: { summary: 'Remove all stopped containers', load: () => import('./commands/container-prune.ts') },
      rename,
      restart,
      rm,
      remove: alias(rm),
      run,
      start,
      stats,
      stop,
      top,
      unpause,
      update,
      wait,
    },
  },
  image: {
    summary: 'Manage images',
    commands: {
      history,
      import: importImage,
      inspect: { summary: 'Display detailed information on one or more images', load: () => import('./commands/image-inspect.ts') },
      load,
      ls: images,
      list: alias(images),
      prune: { summary: 'Remove unused images', load: () => import('./commands/image-prune.ts') },
      rm: rmi,
      remove: alias(rmi),
      save,
      tag,
    },
  },
  volume: {
    summary: 'Manage volumes',
    commands: {
      create: { summary: 'Create a volume', load: () => import('./commands/volume-create.ts') },
      inspect: { summary: 'Display detailed information on one or more volumes', load: () => import('./commands/volume-inspect.ts') },
      ls: volumeLs,
      list: alias(volumeLs),
      prune: { summary: 'Remove unused volumes', load: () => import('./commands/volume-prune.ts') },
      rm: volumeRm,
      remove: alias(volumeRm),
    },
  },
  system: {
    summary: "Manage the engine's data",
    commands: {
      df: { summary: 'Show disk usage', load: () => import('./commands/system-df.ts') },
      events,
      info,
      prune: { summary: 'Remove unused data', load: () => import('./commands/system-prune.ts') },
    },
  },
  engine: {
    summary: 'Start, stop and look at the engine',
    commands: {
      start: { summary: 'Start the engine, unless it is running', load: () => import('./commands/engine-start.ts') },
      stop: { summary: 'Stop the engine; containers go on', load: () => import('./commands/engine-stop.ts') },
      status: { summary: 'Show whether the engine is running', load: () => import('./commands/engine-status.ts') },
    },
  },
};
