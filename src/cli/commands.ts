/** The index of all commands: names and one line each. A command's own file is loaded only when it is used, or documented. */
import type { Entry } from './command.ts';

const attach: Entry = { summary: 'Attach local standard input, output, and error streams to a running container', load: () => import('./commands/attach.ts') };
const attachStep: Entry = { summary: 'Look into a container whose start waits before a step', load: () => import('./commands/attach-step.ts') };
const commit: Entry = { summary: "Create a new image from a container's changes", load: () => import('./commands/commit.ts') };
const cp: Entry = { summary: 'Copy files/folders between a container and the local filesystem', load: () => import('./commands/cp.ts') };
const create: Entry = { summary: 'Create a new container', load: () => import('./commands/create.ts') };
const diff: Entry = { summary: "Inspect changes to files or directories on a container's filesystem", load: () => import('./commands/diff.ts') };
const events: Entry = { summary: 'Get real time events from the engine', load: () => import('./commands/events.ts') };
const exec: Entry = { summary: 'Execute a command in a running container', load: () => import('./commands/exec.ts') };
const explain: Entry = {
  summary: 'Explain a step: what, why, and what breaks without; or a container, from the kernel',
  load: () => import('./commands/explain.ts'),
};
const exportContainer: Entry = { summary: "Export a container's filesystem as a tar archive", load: () => import('./commands/export.ts') };
const exportScript: Entry = { summary: 'Write a shell script that starts a container like this one', load: () => import('./commands/export-script.ts') };
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
const trace: Entry = { summary: 'Show what happened at a start that was traced', load: () => import('./commands/trace.ts') };
const unpause: Entry = { summary: 'Unpause all processes within one or more containers', load: () => import('./commands/unpause.ts') };
const update: Entry = { summary: 'Update configuration of one or more containers', load: () => import('./commands/update.ts') };
const wait: Entry = { summary: 'Block until one or more containers stop, then print their exit codes', load: () => import('./commands/wait.ts') };
const why: Entry = { summary: 'Run a command in a container that fails, and say who refused', load: () => import('./commands/why.ts') };

const capFileRemove: Entry = { summary: 'Take files their capabilities', load: () => import('./commands/cap-file-remove.ts') };
const capList: Entry = { summary: 'List all capabilities and what each allows', load: () => import('./commands/cap-list.ts') };
const cgroupRemove: Entry = { summary: 'Remove one or more cgroups', load: () => import('./commands/cgroup-remove.ts') };
const volumeLs: Entry = { summary: 'List volumes', load: () => import('./commands/volume-ls.ts') };
const volumeRm: Entry = { summary: 'Remove one or more volumes', load: () => import('./commands/volume-rm.ts') };

const nsLs: Entry = { summary: 'List namespaces as a tree of owners, those without a process too', load: () => import('./commands/ns-ls.ts') };

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
  'attach-step': attachStep,
  logs,
  top,
  stats,
  trace,
  port,
  rename,
  update,
  rm,
  inspect: { summary: 'Return low-level information on containers, images and volumes', load: () => import('./commands/inspect.ts') },
  explain,
  why,
  diff,
  commit,
  cp,
  export: exportContainer,
  'export-script': exportScript,
  import: importImage,
  load,
  save,
  tag,
  history,
  rmi,
  events,
  info,
  doctor: { summary: 'Show what this machine can do and cannot, why, and what helps', load: () => import('./commands/doctor.ts') },
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
  root: {
    summary: 'Change the root, and see what a process has as its root',
    readsProc: true,
    commands: {
      run: { summary: 'Run a command under another root, by chroot or pivot_root', load: () => import('./commands/root-run.ts') },
      compare: { summary: 'Take a root by chroot and by pivot_root, and try to get out again', load: () => import('./commands/root-compare.ts') },
      show: { summary: "Show a process's root, working directory and mounts", load: () => import('./commands/root-show.ts') },
      propagation: { summary: 'Show or set how mounts travel from and to a mount', load: () => import('./commands/root-propagation.ts') },
    },
  },
  overlay: {
    summary: 'See through layers: which one answers, what was copied up, what is waste; stack them; make one',
    readsProc: true,
    commands: {
      which: { summary: 'Show which layer answers for a path, and what hides what', load: () => import('./commands/overlay-which.ts') },
      ls: { summary: 'List a directory of layers, with the layer that each name is from', load: () => import('./commands/overlay-ls.ts') },
      mount: { summary: 'Stack layers at a directory, for everyone or for one command', load: () => import('./commands/overlay-mount.ts') },
      umount: { summary: 'Unmount an overlay', load: () => import('./commands/overlay-umount.ts') },
      changes: { summary: 'Show what was changed, copied up, and what it cost', load: () => import('./commands/overlay-changes.ts') },
      whiteouts: { summary: 'List whiteouts and opaque directories, and what they hide', load: () => import('./commands/overlay-whiteouts.ts') },
      pack: { summary: 'Make a layer, a tar or a directory, of what was changed', load: () => import('./commands/overlay-pack.ts') },
      waste: { summary: 'Show the size of each layer, and what in it is waste', load: () => import('./commands/overlay-waste.ts') },
      cat: { summary: 'Write a file of layers, or of one layer, to stdout', load: () => import('./commands/overlay-cat.ts') },
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
  cap: {
    summary: 'See, choose and predict capabilities',
    readsProc: true,
    commands: {
      explain: { summary: 'Explain capabilities: what each allows, and what fails without it', load: () => import('./commands/cap-explain.ts') },
      file: {
        summary: 'Read and write the capabilities of files',
        commands: {
          get: { summary: 'Show the capabilities of files', load: () => import('./commands/cap-file-get.ts') },
          remove: capFileRemove,
          rm: alias(capFileRemove),
          set: { summary: 'Give files capabilities', load: () => import('./commands/cap-file-set.ts') },
        },
      },
      list: capList,
      ls: alias(capList),
      predict: { summary: 'Predict what execve of a file will give, and compare', load: () => import('./commands/cap-predict.ts') },
      run: { summary: 'Run a command with capability sets that are chosen', load: () => import('./commands/cap-run.ts') },
      show: { summary: 'Show the capability sets of processes, decoded', load: () => import('./commands/cap-show.ts') },
    },
  },
  cgroup: {
    summary: 'Make control groups, limit them, run in them and watch them',
    readsProc: true,
    commands: {
      freeze: { summary: 'Pause all processes in one or more cgroups', load: () => import('./commands/cgroup-freeze.ts') },
      kill: { summary: 'Kill all processes in one or more cgroups', load: () => import('./commands/cgroup-kill.ts') },
      ls: { summary: 'List cgroups', load: () => import('./commands/cgroup-ls.ts') },
      make: { summary: 'Make a cgroup', load: () => import('./commands/cgroup-make.ts') },
      move: { summary: 'Move processes into a cgroup', load: () => import('./commands/cgroup-move.ts') },
      remove: cgroupRemove,
      rm: alias(cgroupRemove),
      run: { summary: 'Run a command in a cgroup', load: () => import('./commands/cgroup-run.ts') },
      set: { summary: 'Set limits of a cgroup', load: () => import('./commands/cgroup-set.ts') },
      show: { summary: 'Show the limits and the use of cgroups, and what each number means', load: () => import('./commands/cgroup-show.ts') },
      thaw: { summary: 'Let the processes of frozen cgroups go on', load: () => import('./commands/cgroup-thaw.ts') },
      top: { summary: 'Watch what cgroups use, live', load: () => import('./commands/cgroup-top.ts') },
    },
  },
  lab: {
    summary: 'A throw-away machine to try dangerous things in',
    readsProc: true,
    commands: {
      ls: { summary: 'List labs', load: () => import('./commands/lab-ls.ts') },
      reset: { summary: 'Make a lab anew', load: () => import('./commands/lab-reset.ts') },
      shell: { summary: 'Open a terminal in a lab, or run a command there', load: () => import('./commands/lab-shell.ts') },
      start: { summary: 'Start a lab', load: () => import('./commands/lab-start.ts') },
      status: { summary: 'Show what a lab is, and what it uses of its ceilings', load: () => import('./commands/lab-status.ts') },
      stop: { summary: 'End a lab, and see that nothing of it is left', load: () => import('./commands/lab-stop.ts') },
    },
  },
  learn: {
    summary: 'Learn what a container is, by building one by hand: a course that the kernel checks',
    alone: 'show',
    readsProc: true,
    commands: {
      answer: { summary: 'Answer what an exercise asks for', load: () => import('./commands/learn-answer.ts') },
      check: { summary: 'See whether the exercise is done', load: () => import('./commands/learn-check.ts') },
      explain: { summary: 'Explain what happened: why, both ways side by side, and with Docker', load: () => import('./commands/learn-explain.ts') },
      export: { summary: 'Write the course as a book of HTML, with the outputs of this machine', load: () => import('./commands/learn-export.ts') },
      hint: { summary: 'Show a hint, and one more each time', load: () => import('./commands/learn-hint.ts') },
      list: { summary: 'List chapters and exercises', load: () => import('./commands/learn-list.ts') },
      next: { summary: 'Go on to the next exercise', load: () => import('./commands/learn-next.ts') },
      progress: { summary: 'Show how far you have come', load: () => import('./commands/learn-progress.ts') },
      reset: { summary: "Set an exercise's scene again, or forget all progress", load: () => import('./commands/learn-reset.ts') },
      show: { summary: 'Show the exercise that you are at', load: () => import('./commands/learn-show.ts') },
      solution: { summary: 'Show the solution', load: () => import('./commands/learn-solution.ts') },
      start: { summary: 'Begin an exercise', load: () => import('./commands/learn-start.ts') },
      watch: { summary: 'Look again and again while you work', load: () => import('./commands/learn-watch.ts') },
    },
  },
  net: {
    summary: 'Build networks out of namespaces, and see where packets go',
    readsProc: true,
    commands: {
      add: { summary: 'Make named network namespaces', load: () => import('./commands/net-add.ts') },
      address: { summary: 'Give an interface an address', load: () => import('./commands/net-address.ts') },
      bridge: { summary: 'Make a bridge', load: () => import('./commands/net-bridge.ts') },
      forward: { summary: 'Let a namespace pass packets on, or not', load: () => import('./commands/net-forward.ts') },
      link: { summary: 'Switch an interface on or off, plug it in, delete it', load: () => import('./commands/net-link.ts') },
      ls: { summary: 'List namespaces, links, addresses, routes, NAT, ports', load: () => import('./commands/net-ls.ts') },
      nat: { summary: 'Hide a subnet behind an address', load: () => import('./commands/net-nat.ts') },
      path: { summary: 'Show the path of a packet, hop by hop', load: () => import('./commands/net-path.ts') },
      probe: { summary: 'Send a marked packet and say where it stopped', load: () => import('./commands/net-probe.ts') },
      publish: { summary: 'Lead a port to another address', load: () => import('./commands/net-publish.ts') },
      rm: { summary: 'Remove named network namespaces', load: () => import('./commands/net-rm.ts') },
      route: { summary: 'Add a route', load: () => import('./commands/net-route.ts') },
      run: { summary: 'Run a command in a network namespace', load: () => import('./commands/net-run.ts') },
      show: { summary: 'Show namespaces and how they are connected', load: () => import('./commands/net-show.ts') },
      veth: { summary: 'Make a cable between two namespaces', load: () => import('./commands/net-veth.ts') },
    },
  },
  ns: {
    summary: 'Make, list, enter, keep and compare namespaces',
    readsProc: true,
    commands: {
      ls: nsLs,
      list: alias(nsLs),
      show: { summary: "Show a process's namespaces, and who shares each", load: () => import('./commands/ns-show.ts') },
      compare: { summary: 'Compare the namespaces of two processes', load: () => import('./commands/ns-compare.ts') },
      run: { summary: 'Run a command in new namespaces', load: () => import('./commands/ns-run.ts') },
      enter: { summary: 'Run a command in namespaces that are there', load: () => import('./commands/ns-enter.ts') },
      keep: { summary: 'Keep a namespace alive by a bind mount', load: () => import('./commands/ns-keep.ts') },
      release: { summary: 'Let go of namespaces that are kept', load: () => import('./commands/ns-release.ts') },
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
