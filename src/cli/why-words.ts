/** What `hako why` says in English, kind by kind. Every advice says also what it opens up. The facts: src/engine/tracer/gate-*.ts. */
import type { Gate } from '../api/schema.ts';
import type { WhyWords } from './why-text.ts';

type Facts = Gate['facts'];

const list = (needs = ''): string => needs.replaceAll('+', ' and ');
const namespaceOwners: Readonly<Record<string, string>> = {
  own: 'its own user namespace',
  initial: "the machine's first user namespace",
  mnt: 'the user namespace that owns its mount namespace',
  uts: 'the user namespace that owns its UTS namespace',
  ipc: 'the user namespace that owns its IPC namespace',
  pid: 'the user namespace that owns its PID namespace',
  net: 'the user namespace that owns its network namespace',
  target: "the other object's user namespace",
};

function permission(f: Facts): string {
  if (f['needs'] === 'own')
    return `${f['path']} belongs to ${f['owner']}, an owner that the container's user namespace does not know: no capability in it counts for the file.`;
  const role =
    { owner: 'is its owner', group: 'is in its group', other: 'is neither its owner nor in its group', acl: 'is judged by its ACL' }[f['as'] ?? ''] ?? '';
  const unknown = f['known'] === 'no' ? " Its owner is unknown in the container's user namespace, so capabilities there do not count for it." : '';
  const nobody = f['nobody'] ? ' Nobody may execute it: not even root, since no execute bit is set.' : '';
  return `${f['path']} has mode ${f['mode']} and owner ${f['owner']}; user ${f['uid']} (group ${f['gid']}, groups ${f['groups']}) ${role}, lacks ${list(f['needs'])}, and does not hold ${f['capability']}.${unknown}${nobody}`;
}

function capability(f: Facts): string {
  const where = namespaceOwners[f['place'] ?? ''] ?? '';
  const when = f['when'] ? `, since ${f['when']}` : '';
  const has = f['own'] === 'yes' ? `The process holds it in its own user namespace only, which is another.` : 'The process does not hold it.';
  return `${f['man']} asks for ${f['capability']} (to ${f['allows']}) in ${where}${when}. ${has}`;
}

const capabilityAdvice = (f: Facts): string => {
  if (f['reachable'] === 'no')
    return 'No capability of a container in a user namespace of its own can count there: that is what the namespace is for. It needs a container without --userns private, which makes root in it root of the machine.';
  if (f['own'] === 'no' && f['bounding'] === 'yes')
    return `The container may have ${f['capability']}, but this user's processes do not: run it as root (hako exec --user 0). Root in the container then does it, with all that root there may.`;
  return `Start the container with the capability. All of its root's processes may then ${f['allows']}.`;
};

export const english: WhyWords = {
  refused: 'Refused by ',
  likely: '(likely; not seen to decide)',
  evidence: 'Evidence',
  doing: 'What to do, and what that opens up',
  option: 'Option:',
  also: 'Would refuse as well:',
  counters: 'Counters that moved',
  said: 'What it said',
  order: 'In this order: the first one answered; were it to let the call through, the next would refuse.',
  all: '(--all shows them)',
  succeeded: (n) => (n ? 'Nobody stopped it: the command succeeded, though it was refused something on the way.' : 'Nobody refused: the command succeeded.'),
  survived: (n) => `Refusals that it survived: ${n}`,
  failed: (code, n) =>
    `The kernel refused nothing that explains it: the command itself ended with ${code}${n ? `, and the ${n} calls that failed are such as programs meet all the time` : ''}.`,
  interrupted: (container) => `The command was killed before it came to an end of its own: somebody sent it a signal, or the container ${container} ended.`,
  others: (n) => `${n} other ${n === 1 ? 'call' : 'calls'} refused.`,
  more: (n) => `and ${n} more that are not kept`,
  times: (n) => `(${n} times)`,
  traced: (calls, processes, exit) => `${calls} system calls of ${processes} ${processes === 1 ? 'process' : 'processes'} watched; exit: ${exit}.`,
  gates: {
    seccomp: {
      name: "the container's seccomp filter",
      verdict: (f) =>
        `The filter was asked about ${f['call']} with these arguments and says: ${f['action']}. The call never reached the kernel's own checks.${f['unlock'] ? ` The engine's filter lets it only with ${f['unlock']}.` : ''}`,
      advice: (f) =>
        f['unlock']
          ? `Start the container with ${f['unlock']}: the filter follows the capabilities. Its root may then ${f['allows']}.`
          : 'Start the container with a profile of its own that allows this call, and no other; seccomp=unconfined would open all some 300 calls, every one a way into the kernel.',
    },
    capability: { name: 'a missing capability', verdict: capability, advice: capabilityAdvice },
    permission: {
      name: 'file permissions',
      verdict: permission,
      advice: (f) =>
        f['nobody']
          ? `Set the execute bit (chmod +x ${f['path']}): whoever may reach it can then run it.`
          : f['known'] === 'no'
            ? `Give the file to a user that the container knows${f['source'] ? ` (it comes from ${f['source']} of the host)` : ''}: chown on the host, or mount the volume without a user namespace. That user's processes outside may then change it too.`
            : `Give user ${f['uid']} the right (chmod, chown, setfacl, or a group with --group-add): that opens this one file. Or run as its owner (--user). ${f['capability']} instead opens every file of the container.`,
    },
    'read-only': {
      name: 'a read-only mount',
      verdict: (f) => `${f['path']} lies on the mount ${f['mount']} (${f['type']}), and the ${f['of']} is read-only.`,
      advice: (f) =>
        ({
          volume: `The volume was mounted with :ro. Mounted :rw, everything in the container may change ${f['source']}.`,
          root: 'The container was started with --read-only. Give it one place to write, a volume or --tmpfs; without --read-only, whoever breaks in can change its programs.',
          kernel:
            "The engine keeps the kernel's own settings from containers: they belong to the whole machine. For one of the container's namespaces use --sysctl. Opening them all lets the container change the machine.",
          generated: 'The engine makes this mount, read-only as the root is. Give the container a place to write by a volume or --tmpfs.',
          other: `Mount it for writing, or write elsewhere: what is in ${f['source']} could then be changed.`,
        })[f['why'] ?? 'other'] ?? '',
    },
    'kernel-files': {
      name: 'the file system: the kernel makes its names',
      verdict: (f) =>
        `${f['path']} is of type ${f['type']}, mounted on ${f['mount']}: what is in it shows the kernel's own objects, and no program makes or removes names there.`,
      advice: () => 'Write elsewhere.',
    },
    'no-exec': {
      name: 'a noexec mount',
      verdict: (f) => `${f['path']} lies on ${f['mount']} (${f['type']}), which is mounted noexec: no file there becomes a program.`,
      advice: () => 'Put the program elsewhere, or mount with exec: then what somebody writes there can be run.',
    },
    'no-devices': {
      name: 'a nodev mount',
      verdict: (f) => `${f['path']} is a device node on ${f['mount']}, which is mounted nodev: device nodes there open nothing.`,
      advice: () => 'Use the node in /dev, which the engine makes with --device. Without nodev, whoever can make nodes there has the devices.',
    },
    device: {
      name: 'the device filter of the cgroup',
      verdict: (f) => `${f['path']} is device ${f['device']}; of the container's rules for access ${f['access']} it holds: ${f['rule']}.`,
      advice: (f) =>
        `Give the container the device (access can be narrowed: --device ${f['path']}:${f['path']}:r). It then has the hardware behind it, whatever the file's mode says to root.`,
    },
    missing: {
      name: 'a missing file',
      title: 'Nobody refused: there is no such file',
      verdict: (f) =>
        f['searched']
          ? `${f['command']} is in none of the directories that were searched: ${f['searched']}.`
          : f['why'] === 'not-directory'
            ? `${f['path']}, on the way to ${f['wanted']}, is no directory.`
            : `${f['path']} does not exist: ${f['directory']} has no such entry.`,
      advice: (f) =>
        f['why'] === 'not-directory'
          ? 'Correct the path.'
          : `Correct the name, install what brings it into the image, or mount it (--volume). hako explain --file ${f['directory']} CONTAINER says which layer the directory comes from.`,
    },
    interpreter: {
      name: 'a missing interpreter',
      title: "Nobody refused: the program's interpreter is missing",
      verdict: (f) =>
        `${f['path']} is there, but ${f['kind'] === 'script' ? 'the interpreter in its #! line' : 'the loader that it was linked for'}, ${JSON.stringify(f['interpreter'])}, is not; execve says ENOENT of that, and shells blame the program.`,
      advice: (f) =>
        f['interpreter']?.endsWith('\r')
          ? 'The line ends in a carriage return (Windows line ends), which belongs to the name: sed -i "s/\\r$//" FILE.'
          : f['kind'] === 'script'
            ? 'Install the interpreter in the image, or correct the #! line.'
            : 'The program is of another C library (such as glibc in an image with musl): link it statically, build it for this image, or take an image of its own.',
    },
    'not-a-program': {
      name: 'the program loader of the kernel',
      verdict: (f) =>
        ({
          directory: `${f['path']} is a directory.`,
          'not-regular': `${f['path']} is a device, a FIFO or a socket: only a regular file can be a program.`,
          machine: `${f['path']} is a program for ${f['machine']}, another kind of processor.`,
        })[f['why'] ?? ''] ?? `${f['path']} is neither an ELF file nor begins with #!.`,
      advice: (f) =>
        ({
          directory: 'Name a file.',
          'not-regular': 'Name a regular file.',
          machine: 'Use an image for this architecture, or register an emulator (binfmt_misc, for the whole machine).',
        })[f['why'] ?? ''] ?? 'Begin it with a #! line, or give it to its interpreter (sh FILE).',
    },
    immutable: {
      name: "the file's attribute",
      verdict: (f) => `${f['path']} is ${f['attribute']} (chattr): permission bits are not asked, and root is refused as well.`,
      advice: () => 'Take the attribute away on the host (chattr -i, -a), which needs CAP_LINUX_IMMUTABLE: somebody set it to keep the file.',
    },
    'protected-link': {
      name: 'the protection of shared directories',
      verdict: (f) =>
        `${f['path']} is another user's, in ${f['directory']} that all may write to, and is opened with O_CREAT: ${f['setting']} forbids it, to root too.`,
      advice: (f) => `Open it without O_CREAT, or make it as its owner. ${f['setting']} = 0 is for the whole machine, and lets others lay traps in /tmp.`,
    },
    pids: {
      name: 'the limit of processes of the cgroup',
      verdict: (f) => `pids.max is ${f['max']}, and ${f['current']} processes and threads are there: one more is refused.`,
      advice: () => 'Find who has so many (hako top), or raise the limit: hako update --pids-limit. A fork bomb in it may then take as many of the machine.',
    },
    memory: {
      name: 'the memory limit of the cgroup',
      verdict: (f) => `The cgroup was at its limit and nothing could be reclaimed: the kernel's OOM killer ended process ${f['pid']} with SIGKILL.`,
      advice: () => 'Use less, or raise the limit: hako update --memory. The container may then take that much from the rest of the machine.',
    },
    rlimit: {
      name: 'a resource limit of the process',
      verdict: (f) =>
        `${f['limit']} is ${f['soft']}${f['hard'] ? ` (hard limit ${f['hard'] === '-1' ? 'unlimited' : f['hard']})` : ''}${f['use'] ? `, and in use: ${f['use']}` : ''}.`,
      advice: () =>
        'Raise it: up to the hard limit the program can itself (ulimit), beyond it the container must be started with another. One process may then use more.',
    },
    space: {
      name: 'a full file system',
      verdict: (f) =>
        `${f['mount']} (${f['type']}${f['size'] ? `, ${f['size']}` : ''}), where ${f['path']} lies, has no ${f['what'] === 'inodes' ? 'inodes' : f['what'] === 'quota' ? 'quota' : 'space'} left.`,
      advice: (f) =>
        f['type'] === 'tmpfs'
          ? 'Remove files there, or make it larger: a tmpfs takes its bytes from memory.'
          : 'Remove files, or move the data to a volume on another disk (hako system df).',
    },
    'kernel-limit': {
      name: 'a limit of the kernel',
      verdict: (f) => `${f['setting']} is ${f['value']}, for the whole machine.`,
      advice: (f) => `Use less, or raise it on the host: sysctl -w ${f['setting']}=NUMBER. It counts for everybody.`,
    },
    'address-in-use': {
      name: 'another socket: the address is in use',
      verdict: (f) => `${f['address']} is taken${f['holder'] ? ` by ${f['holder']}` : ''}.`,
      advice: (f) => (f['address']?.startsWith('/') ? 'Remove the file if nobody listens there any more.' : 'End the other, or listen on another port.'),
    },
    'address-not-here': {
      name: 'the network: the address is not here',
      verdict: (f) => `${f['address']} is no address of the container (network ${f['mode']}).`,
      advice: () => "Listen on 0.0.0.0 or on an address that it has; the host's addresses are not in the container.",
    },
    'network-unreachable': {
      name: 'the network: no route',
      verdict: (f) => `No route leads to ${f['address']} (network ${f['mode']}).`,
      advice: (f) =>
        f['mode'] === 'none'
          ? 'Start the container with a network. It can then reach, and whatever runs in it can call, the world.'
          : 'Look at the routes (hako net show CONTAINER).',
    },
    'connection-refused': {
      name: 'the other end: nobody listens',
      verdict: (f) => `The packet reached ${f['address']}, which answered that nobody listens there.`,
      advice: () => "Start the server, and see on which address it listens: 127.0.0.1 is the container's own.",
    },
    'no-answer': {
      name: 'silence',
      title: 'Nobody refused: no answer came',
      verdict: (f) => `${f['address']} did not answer in time; packets were dropped on the way, or the other end is not there.`,
      advice: () => 'Look for packet filters on both sides, and whether the host is up.',
    },
    'packet-filter': {
      name: 'a packet filter',
      verdict: (f) => `What is sent to ${f['address']} is rejected by a rule of nftables or a program of the cgroup.`,
      advice: () => "Look at nft list ruleset in the container's network and on the host.",
    },
    lsm: {
      name: 'a security module',
      verdict: (f) => `Everything that can be looked at would allow it; the process runs under ${f['label']} (${f['module']}).`,
      advice: () => "Look into the module's log (ausearch, dmesg). Without the label the container loses this second wall.",
    },
    landlock: {
      name: "the program's own Landlock rules",
      verdict: (f) => `The program has restricted itself by landlock_restrict_self(2); its rules refuse ${f['call']}.`,
      advice: () => 'It is the program that asked for it: see its own settings.',
    },
    yama: {
      name: 'Yama',
      verdict: (f) => `kernel.yama.ptrace_scope is ${f['scope']}: a process may trace its descendants only, or nobody.`,
      advice: () =>
        "Trace what the debugger itself starts. sysctl kernel.yama.ptrace_scope=0 is for the whole machine: any process may then read the memory of its user's others.",
    },
    tracer: {
      name: 'hako why itself',
      verdict: () => 'A process has one tracer, and hako why is it.',
      advice: () => 'Run a debugger with hako exec.',
    },
    busy: {
      name: 'the state of the object: it is in use',
      verdict: (f) =>
        f['mount']
          ? `${f['mount']} is a mount point: it can be neither removed nor renamed.`
          : f['program']
            ? 'The file is a program that runs: it cannot be written to.'
            : `${f['call']} refuses while the object is in use.`,
      advice: (f) =>
        f['mount']
          ? 'Unmount it first (the engine mounts it anew at each start), or write into it instead of replacing it.'
          : 'Find who uses it: hako top, /proc/*/fd, findmnt.',
    },
    unknown: {
      name: 'something that is not known here',
      verdict: (f) => `${f['call']} answered ${f['error']}, and every gatekeeper that can be looked at would have let it through.`,
      advice: (f) => `Its manual page lists what else ${f['error']} may mean.`,
    },
  },
};
