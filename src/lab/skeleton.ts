/**
 * The files that a lab begins with: what it has beside the machine's /usr. They lie in the lab's directory on the machine, are seen in
 * the lab at /opt/lab, and are copied into its own file system by its first process (`begin`), so that a learner may destroy them.
 */
import { chmodSync, copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readElf } from '../kernel/elf-file.ts';
import { initProgram } from '../kernel/launch/init-elf.ts';

/** Directories of the root that are links into /usr on a machine whose /usr is merged; on others they are mounted. */
const mergeable = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** Where a directory of the root leads on this machine: a link's target, `directory`, or nothing. */
function rootDirectory(name: string): string | undefined {
  try {
    return lstatSync(`/${name}`).isSymbolicLink() ? readlinkSync(`/${name}`) : 'directory';
  } catch {
    return undefined;
  }
}

/** The directories that a lab has by mounts, since this machine's /usr is not merged. */
export const unmergedDirectories = (): string[] => mergeable.filter((name) => rootDirectory(name) === 'directory').map((name) => `/${name}`);

/** The dynamic loader by a path that is there before any link is: the lab's first program is started by it. */
export const loader = (): string => realpathSync(readElf(realpathSync('/bin/sh'))?.interpreter ?? '/bin/sh');

const texts = (name: string): Readonly<Record<string, string>> => ({
  'etc/passwd': [
    'root:x:0:0:root:/root:/bin/bash',
    'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
    'learner:x:1000:1000:learner:/home/learner:/bin/bash',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    '',
  ].join('\n'),
  'etc/group': 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nlearner:x:1000:\nnogroup:x:65534:\n',
  'etc/subuid': 'learner:10000:20000\n',
  'etc/subgid': 'learner:10000:20000\n',
  'etc/hostname': `${name}\n`,
  'etc/hosts': `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${name}\n`,
  'etc/resolv.conf': '# No name server: the lab has no way out.\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'etc/profile': ['PS1="\\u@\\h:\\w\\\\$ "', 'export PS1', '[ -d /root ] && cd "$HOME" 2>/dev/null', ''].join('\n'),
  'root/.bashrc': [
    "PS1='\\[\\e[1;36m\\]\\u@\\h\\[\\e[0m\\]:\\w\\$ '",
    '[ -n "${NO_COLOR-}" ] && PS1=\'\\u@\\h:\\w\\$ \'',
    'HISTFILE=',
    "alias ls='ls --color=auto' ll='ls -l'",
    '',
  ].join('\n'),
});

/** Of the machine's /etc: what its programs look for, and no more. */
const ofMachine = ['alternatives', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'protocols', 'services', 'localtime', 'terminfo', 'inputrc', 'mke2fs.conf'];

/**
 * The lab's first program, as a script: copies the skeleton, makes the links, takes the cgroup's root into use, and becomes the init.
 * On version 2 a cgroup has processes or controllers for its children, so the lab's own go into a leaf.
 */
const begin = `#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
for link in $LINKS; do $LOADER /usr/bin/ln -s "usr/$link" "/$link"; done # no program is found before them
mkdir -p /root /home/learner /tmp /var/tmp /var/lib /var/log /run/lab /run/lock /mnt /srv /opt /etc
chmod 1777 /tmp /var/tmp
chmod 700 /root
ln -s /run /var/run
ln -s /proc/self/mounts /etc/mtab
cp -r --preserve=mode,links /opt/lab/skeleton/. /
chown -R 1000:1000 /home/learner 2>/dev/null
if [ -e /sys/fs/cgroup/cgroup.controllers ] && [ -w /sys/fs/cgroup/cgroup.procs ]; then
  mkdir /sys/fs/cgroup/lab && echo 1 >/sys/fs/cgroup/lab/cgroup.procs
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control; done
fi
exec /opt/lab/init /usr/bin/sleep /bin/sleep -- sleep infinity
`;

/** \`answer VALUE\`, in the lab: what a learner has found out, for the course to compare. */
const answer = `#!/bin/sh
# answer VALUE: tell the course what you have found.
[ $# -gt 0 ] || { echo 'usage: answer VALUE' >&2; exit 2; }
mkdir -p /run/lab && printf '%s\\n' "$*" >/run/lab/answer.new && mv /run/lab/answer.new /run/lab/answer
`;

/** Writes the files. @param directory of the lab, on the machine */
export function writeSkeleton(directory: string, name: string): void {
  const write = (path: string, text: string | Uint8Array, mode: number): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(directory, path), text);
    chmodSync(join(directory, path), mode); // whatever the umask is
  };
  for (const [path, text] of Object.entries(texts(name))) write(`tools/skeleton/${path}`, text, 0o644);
  for (const entry of ofMachine) {
    const from = `/etc/${entry}`;
    if (!existsSync(from)) continue;
    const to = join(directory, 'tools/skeleton/etc', entry);
    if (lstatSync(realpathSync(from)).isDirectory()) cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter: (path) => isPlain(path) });
    else copyFileSync(from, to);
  }
  write('tools/begin', begin, 0o755);
  write('tools/bin/answer', answer, 0o755);
  write('tools/init', initProgram(), 0o755);
  mkdirSync(join(directory, 'rootfs'), { recursive: true, mode: 0o755 });
}

/** Files, directories and links; nothing else is copied. */
function isPlain(path: string): boolean {
  const found = lstatSync(path);
  return found.isFile() || found.isDirectory() || found.isSymbolicLink();
}

/** The environment that {@link begin} reads. */
export const beginEnvironment = (): string[] => [
  `LOADER=${loader()}`,
  `LINKS=${mergeable.filter((name) => !['directory', undefined].includes(rootDirectory(name))).join(' ')}`,
];
