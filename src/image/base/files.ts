/** What the base image has besides programs: directories, and the small files that programs look for. */

/** Directories with modes other than 0755. */
export const specialModes: Readonly<Record<string, number>> = { '/root': 0o700, '/tmp': 0o1777, '/var/tmp': 0o1777 };

/** Directories that are there though nothing is in them. */
export const emptyDirectories: readonly string[] = [
  '/dev',
  '/etc',
  '/home',
  '/mnt',
  '/opt',
  '/proc',
  '/root',
  '/run',
  '/srv',
  '/sys',
  '/tmp',
  '/usr/bin',
  '/usr/sbin',
  '/usr/lib',
  '/usr/local/bin',
  '/var/log',
  '/var/tmp',
];

/** Links at the root that a distribution with a merged /usr has, to be as the host has them. */
export const mergedDirectories: readonly string[] = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Symbolic links, by path. */
export const links: Readonly<Record<string, string>> = { '/etc/mtab': '/proc/self/mounts', '/var/run': '/run' };

/** Files of the host that are taken where it has them. */
export const hostFiles: readonly string[] = ['/etc/protocols', '/etc/services', '/etc/ssl/certs/ca-certificates.crt'];

/** Libraries that the C library loads by name when it looks up users or hosts; newer ones have them built in. */
export const nameServiceLibraries: readonly string[] = ['libnss_files.so.2', 'libnss_dns.so.2'];

/** Where distributions keep the descriptions of terminals, and the terminals that people sit at. */
export const terminfoDirectories: readonly string[] = ['/etc/terminfo', '/lib/terminfo', '/usr/share/terminfo', '/usr/lib/terminfo'];
export const terminals: readonly string[] = [
  'ansi',
  'dumb',
  'linux',
  'rxvt',
  'screen',
  'screen-256color',
  'tmux',
  'tmux-256color',
  'vt100',
  'vt102',
  'vt220',
  'xterm',
  'xterm-256color',
  'xterm-color',
];

/** Small files, by path. */
export const texts: Readonly<Record<string, string>> = {
  '/etc/passwd': `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`,
  '/etc/group': `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
www-data:x:33:
utmp:x:43:
staff:x:50:
users:x:100:
nogroup:x:65534:
`,
  '/etc/nsswitch.conf': `passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
`,
  '/etc/profile': `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
if [ "$(id -u)" -eq 0 ]; then PS1='\\h:\\w# '; else PS1='\\h:\\w$ '; fi
`,
  '/etc/os-release': `NAME="hakobune base"
PRETTY_NAME="hakobune base"
ID=hakobune-base
`,
  '/etc/hostname': 'localhost\n',
  '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  '/etc/resolv.conf': '',
  '/etc/shells': '/bin/sh\n/bin/bash\n',
};

/** A user's own configuration keeps vim from looking for its runtime files, which the image does not have. */
export const vimConfiguration: readonly [path: string, text: string] = ['/root/.vimrc', 'set nocompatible backspace=indent,eol,start ruler\n'];
