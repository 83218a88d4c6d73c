/** The flags of `hako run` and `hako create`, under Docker's names. What they become is in create-body.ts. */
import type { Flags } from './command.ts';

/** Limits: also the flags of `hako update`. */
export const resourceFlags = {
  'blkio-weight': { kind: 'int', placeholder: 'uint16', help: 'Block IO (relative weight), between 10 and 1000, or 0 to disable' },
  'cpu-period': { kind: 'int', help: 'Limit CPU CFS (Completely Fair Scheduler) period, in microseconds' },
  'cpu-quota': { kind: 'int', help: 'Limit CPU CFS (Completely Fair Scheduler) quota, in microseconds' },
  'cpu-rt-period': { kind: 'int', help: 'Limit CPU real-time period in microseconds' },
  'cpu-rt-runtime': { kind: 'int', help: 'Limit CPU real-time runtime in microseconds' },
  'cpu-shares': { kind: 'int', short: 'c', help: 'CPU shares (relative weight)' },
  cpus: { kind: 'decimal', help: 'Number of CPUs' },
  'cpuset-cpus': { kind: 'string', help: 'CPUs in which to allow execution (0-3, 0,1)' },
  'cpuset-mems': { kind: 'string', help: 'MEMs in which to allow execution (0-3, 0,1)' },
  memory: { kind: 'bytes', short: 'm', help: 'Memory limit' },
  'memory-reservation': { kind: 'bytes', help: 'Memory soft limit' },
  'memory-swap': { kind: 'bytes', unlimited: true, help: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap" },
  'pids-limit': { kind: 'int', help: 'Tune container pids limit (set -1 for unlimited)' },
  restart: {
    kind: 'string',
    help: 'Restart policy to apply when a container exits: no, on-failure[:N], always, unless-stopped',
    completes: ['no', 'on-failure', 'always', 'unless-stopped'],
  },
} as const satisfies Flags;

const processFlags = {
  entrypoint: { kind: 'string', help: 'Overwrite the default ENTRYPOINT of the image' },
  env: { kind: 'list', short: 'e', help: 'Set environment variables' },
  'env-file': { kind: 'list', help: 'Read in a file of environment variables', completes: 'file' },
  'group-add': { kind: 'list', help: 'Add additional groups to join' },
  init: { kind: 'bool', help: 'Run an init inside the container that forwards signals and reaps processes' },
  interactive: { kind: 'bool', short: 'i', help: 'Keep STDIN open even if not attached' },
  'stop-signal': { kind: 'string', help: 'Signal to stop the container' },
  'stop-timeout': { kind: 'int', help: 'Timeout (in seconds) to stop a container' },
  tty: { kind: 'bool', short: 't', help: 'Allocate a pseudo-TTY' },
  ulimit: { kind: 'list', placeholder: 'ulimit', help: 'Ulimit options' },
  user: { kind: 'string', short: 'u', help: 'Username or UID (format: <name|uid>[:<group|gid>])' },
  workdir: { kind: 'string', short: 'w', help: 'Working directory inside the container' },
} as const satisfies Flags;

const isolationFlags = {
  'cap-add': { kind: 'list', help: 'Add Linux capabilities' },
  'cap-drop': { kind: 'list', help: 'Drop Linux capabilities' },
  'cgroup-parent': { kind: 'string', help: 'Optional parent cgroup for the container' },
  cgroupns: { kind: 'string', help: 'Cgroup namespace to use (host|private)', completes: ['host', 'private'] },
  ipc: { kind: 'string', help: 'IPC mode to use: private, shareable, none, host, container:NAME' },
  'oom-kill-disable': { kind: 'bool', help: 'Disable OOM Killer' },
  'oom-score-adj': { kind: 'int', help: "Tune host's OOM preferences (-1000 to 1000)" },
  pid: { kind: 'string', help: 'PID namespace to use: host, container:NAME' },
  privileged: { kind: 'bool', help: 'Give extended privileges to this container' },
  'read-only': { kind: 'bool', help: "Mount the container's root filesystem as read only" },
  runtime: { kind: 'string', help: 'Runtime to use for this container; there is only hako itself' },
  'security-opt': { kind: 'list', help: 'Security Options' },
  sysctl: { kind: 'list', placeholder: 'map', help: 'Sysctl options' },
  userns: { kind: 'string', help: 'User namespace to use' },
  uts: { kind: 'string', help: 'UTS namespace to use' },
} as const satisfies Flags;

const deviceFlags = {
  'blkio-weight-device': { kind: 'list', help: 'Block IO weight (relative device weight)' },
  device: { kind: 'list', help: 'Add a host device to the container', completes: 'file' },
  'device-cgroup-rule': { kind: 'list', help: 'Add a rule to the cgroup allowed devices list' },
  'device-read-bps': { kind: 'list', help: 'Limit read rate (bytes per second) from a device' },
  'device-read-iops': { kind: 'list', help: 'Limit read rate (IO per second) from a device' },
  'device-write-bps': { kind: 'list', help: 'Limit write rate (bytes per second) to a device' },
  'device-write-iops': { kind: 'list', help: 'Limit write rate (IO per second) to a device' },
  'memory-swappiness': { kind: 'int', help: 'Tune container memory swappiness (0 to 100)' },
  'shm-size': { kind: 'bytes', help: 'Size of /dev/shm' },
} as const satisfies Flags;

const fileFlags = {
  mount: { kind: 'list', placeholder: 'mount', help: 'Attach a filesystem mount to the container' },
  'storage-opt': { kind: 'list', help: 'Storage driver options for the container' },
  tmpfs: { kind: 'list', help: 'Mount a tmpfs directory' },
  volume: { kind: 'list', short: 'v', help: 'Bind mount a volume', completes: 'file' },
  'volume-driver': { kind: 'string', help: 'Optional volume driver for the container' },
  'volumes-from': { kind: 'list', help: 'Mount volumes from the specified container(s)', completes: 'container' },
} as const satisfies Flags;

const networkFlags = {
  'add-host': { kind: 'list', help: 'Add a custom host-to-IP mapping (host:ip)' },
  dns: { kind: 'list', help: 'Set custom DNS servers' },
  'dns-opt': { kind: 'list', help: 'Set DNS options', aliasOf: 'dns-option' },
  'dns-option': { kind: 'list', help: 'Set DNS options' },
  'dns-search': { kind: 'list', help: 'Set custom DNS search domains' },
  domainname: { kind: 'string', help: 'Container NIS domain name' },
  expose: { kind: 'list', help: 'Expose a port or a range of ports' },
  hostname: { kind: 'string', short: 'h', help: 'Container host name' },
  ip: { kind: 'string', help: 'IPv4 address (e.g., 172.30.100.104)' },
  ip6: { kind: 'string', help: 'IPv6 address (e.g., 2001:db8::33)' },
  link: { kind: 'list', help: 'Not supported, a legacy of Docker: containers of one network find each other' },
  'mac-address': { kind: 'string', help: 'Container MAC address (e.g., 92:d0:c6:0a:29:33)' },
  net: { kind: 'list', help: 'Connect a container to a network', aliasOf: 'network' },
  'net-alias': { kind: 'list', help: 'Add network-scoped alias for the container', aliasOf: 'network-alias' },
  network: {
    kind: 'list',
    placeholder: 'network',
    help: 'Connect a container to a network: bridge, none, host, container:NAME',
    completes: ['bridge', 'none', 'host', 'container:'],
  },
  'network-alias': { kind: 'list', help: 'Add network-scoped alias for the container' },
  publish: { kind: 'list', short: 'p', help: "Publish a container's port(s) to the host" },
  'publish-all': { kind: 'bool', short: 'P', help: 'Publish all exposed ports to random ports' },
} as const satisfies Flags;

const healthFlags = {
  'health-cmd': { kind: 'string', help: 'Command to run to check health' },
  'health-interval': { kind: 'duration', help: 'Time between running the check (ms|s|m|h) (default 0s)' },
  'health-retries': { kind: 'int', help: 'Consecutive failures needed to report unhealthy' },
  'health-start-interval': { kind: 'duration', help: 'Time between running the check during the start period (ms|s|m|h) (default 0s)' },
  'health-start-period': {
    kind: 'duration',
    help: 'Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)',
  },
  'health-timeout': { kind: 'duration', help: 'Maximum time to allow one check to run (ms|s|m|h) (default 0s)' },
  'no-healthcheck': { kind: 'bool', help: 'Disable any container-specified HEALTHCHECK' },
} as const satisfies Flags;

const metaFlags = {
  annotation: { kind: 'list', placeholder: 'map', help: 'Add an annotation to the container (passed through to the OCI runtime)' },
  attach: { kind: 'list', short: 'a', help: 'Attach to STDIN, STDOUT or STDERR', completes: ['stdin', 'stdout', 'stderr'] },
  cidfile: { kind: 'string', help: 'Write the container ID to the file', completes: 'file' },
  explain: { kind: 'optional', alone: 'text', help: 'Print every step that would be taken, and do nothing; =json for programs', completes: ['text', 'json'] },
  label: { kind: 'list', short: 'l', help: 'Set meta data on a container' },
  'label-file': { kind: 'list', help: 'Read in a line delimited file of labels', completes: 'file' },
  'log-driver': { kind: 'string', help: 'Logging driver for the container' },
  'log-opt': { kind: 'list', help: 'Log driver options' },
  name: { kind: 'string', help: 'Assign a name to the container' },
  platform: { kind: 'string', help: 'Set platform if server is multi-platform capable' },
  pull: { kind: 'string', help: 'Pull image before creating ("always", "missing", "never")', default: 'missing', completes: ['always', 'missing', 'never'] },
  quiet: { kind: 'bool', short: 'q', help: 'Suppress the pull output' },
  rm: { kind: 'bool', help: 'Automatically remove the container and its associated anonymous volumes when it exits' },
} as const satisfies Flags;

/** All flags of `hako create`. */
export const containerFlags = {
  ...resourceFlags,
  ...processFlags,
  ...isolationFlags,
  ...deviceFlags,
  ...fileFlags,
  ...networkFlags,
  ...healthFlags,
  ...metaFlags,
} as const;

export type ContainerFlags = typeof containerFlags;
