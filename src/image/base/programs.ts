/**
 * The programs of the base image, by the Debian package that has them. All are optional except those that a shell and its
 * scripts cannot do without; other distributions may keep them in packages of other names.
 */

/** Programs of one package. */
export interface ProgramPackage {
  readonly package: string;
  readonly programs: readonly string[];
  /** Those that the image is not made without. */
  readonly required?: readonly string[];
}

const words = (text: string): string[] => text.trim().split(/\s+/);

const coreutilsEssentials = words('cat chmod chown cp date echo env false head id ls mkdir mv pwd rm sleep sort tail test touch true uname wc');

export const programPackages: readonly ProgramPackage[] = [
  { package: 'dash', programs: ['sh', 'dash'], required: ['sh'] },
  { package: 'bash', programs: ['bash'] },
  {
    package: 'coreutils',
    required: coreutilsEssentials,
    programs: [
      ...coreutilsEssentials,
      ...words(`[ arch base64 basename chgrp chroot cksum comm csplit cut dd df dir dircolors dirname du expand expr factor fmt fold groups
        hostid install join link ln logname md5sum mkfifo mknod mktemp nice nl nohup nproc numfmt od paste pathchk pr printenv printf
        readlink realpath rmdir seq sha1sum sha256sum sha512sum shred shuf split stat stdbuf stty sum sync tac tee timeout tr truncate
        tsort tty unexpand uniq unlink users who whoami yes`),
    ],
  },
  { package: 'procps', programs: words('ps top free kill pgrep pkill pidwait pmap pwdx slabtop sysctl tload uptime vmstat w watch') },
  { package: 'sysvinit-utils', programs: ['pidof'] },
  { package: 'psmisc', programs: words('pstree killall fuser') },
  { package: 'iproute2', programs: words('ip ss tc bridge nstat') },
  { package: 'mount', programs: words('mount umount losetup') },
  {
    package: 'util-linux',
    programs: words(`chrt dmesg fallocate findmnt flock getopt ionice ipcmk ipcrm ipcs lsblk lscpu lsfd lsipc lsns mcookie more mountpoint
      namei nsenter pivot_root prlimit renice rev setpriv setsid switch_root taskset unshare whereis`),
  },
  { package: 'bsdextrautils', programs: words('col column hexdump look script') },
  { package: 'hostname', programs: words('hostname dnsdomainname') },
  { package: 'grep', programs: words('grep egrep fgrep') },
  { package: 'sed', programs: ['sed'] },
  { package: 'mawk', programs: words('awk mawk') },
  { package: 'findutils', programs: words('find xargs') },
  { package: 'diffutils', programs: words('cmp diff') },
  { package: 'debianutils', programs: words('run-parts which') },
  { package: 'libc-bin', programs: words('getconf getent ldd') },
  { package: 'ncurses-bin', programs: words('clear infocmp reset tput tset') },
  { package: 'tar', programs: ['tar'] },
  { package: 'gzip', programs: words('gzip gunzip zcat') },
  { package: 'bzip2', programs: words('bzip2 bunzip2') },
  { package: 'xz-utils', programs: words('xz unxz') },
  { package: 'zstd', programs: ['zstd'] },
  { package: 'less', programs: ['less'] },
  { package: 'vim-tiny', programs: ['vi'] },
  { package: 'libcap2-bin', programs: words('capsh getcap getpcaps setcap') },
  { package: 'attr', programs: words('getfattr setfattr') },
  { package: 'iputils-ping', programs: ['ping'] },
  { package: 'netcat-openbsd', programs: ['nc'] },
  { package: 'curl', programs: ['curl'] },
  { package: 'strace', programs: ['strace'] },
  { package: 'tcpdump', programs: ['tcpdump'] },
];
