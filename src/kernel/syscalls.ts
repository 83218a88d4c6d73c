/**
 * The syscall table: every system call that the project uses, with its number on both architectures, the format of
 * its arguments and its man page. It encodes calls, prints them, and links them to their documentation.
 * Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
 */
import type { Format } from './flags.ts';

/** The architectures that the launcher has machine code for. */
export type Architecture = 'x64' | 'arm64';

/** The architecture of this machine. Anything but x64 and arm64 is refused when the engine starts. */
export const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

/**
 * Name, number on x64, number on arm64, manual page, formats of the arguments. As text, of which a call's line is read when it is first wanted:
 * an object of a hundred others takes a third of a millisecond of each command to make.
 */
const table = [
  'read 0 63 read(2) fd out size',
  'write 1 64 write(2) fd in size',
  'close 3 57 close(2) fd',
  'lseek 8 62 lseek(2) fd int int',
  'mmap 9 222 mmap(2) pointer size prot mmap fd int',
  'mprotect 10 226 mprotect(2) pointer size prot',
  'munmap 11 215 munmap(2) pointer size',
  'rt_sigaction 13 134 sigaction(2) signal in out size',
  'rt_sigprocmask 14 135 sigprocmask(2) int in out size',
  'ioctl 16 29 ioctl(2) fd ioctl in',
  'pread64 17 67 pread(2) fd out size int',
  'pwrite64 18 68 pwrite(2) fd in size int',
  'dup 32 23 dup(2) fd',
  'getpid 39 172 getpid(2)',
  'socket 41 198 socket(2) family socktype int',
  'connect 42 203 connect(2) fd in size',
  'sendto 44 206 sendto(2) fd in size int in size',
  'recvfrom 45 207 recvfrom(2) fd out size int out pointer',
  'sendmsg 46 211 sendmsg(2) fd in int',
  'recvmsg 47 212 recvmsg(2) fd out int',
  'bind 49 200 bind(2) fd in size',
  'listen 50 201 listen(2) fd int',
  'socketpair 53 199 socketpair(2) family socktype int out',
  'setsockopt 54 208 setsockopt(2) fd int int in size',
  'getsockopt 55 209 getsockopt(2) fd int int out pointer',
  'execve 59 221 execve(2) path argv argv',
  'wait4 61 260 wait4(2) pid out wait out',
  'kill 62 129 kill(2) pid signal',
  'fcntl 72 25 fcntl(2) fd fcntl int',
  'flock 73 32 flock(2) fd flock',
  'ftruncate 77 46 ftruncate(2) fd size',
  'chdir 80 49 chdir(2) path',
  'fchdir 81 50 fchdir(2) fd',
  'fchmod 91 52 chmod(2) fd octal',
  'fchown 93 55 chown(2) fd id id',
  'umask 95 166 umask(2) octal',
  'setgroups 116 159 setgroups(2) size in',
  'setresuid 117 147 setresuid(2) id id id',
  'setresgid 119 149 setresgid(2) id id id',
  'setfsuid 122 151 setfsuid(2) id',
  'setfsgid 123 152 setfsgid(2) id',
  'setpgid 109 154 setpgid(2) pid pid',
  'setsid 112 157 setsid(2)',
  'getpgid 121 155 getpgid(2) pid',
  'capget 125 90 capget(2) in out',
  'capset 126 91 capset(2) in in',
  'rt_sigtimedwait 128 137 sigtimedwait(2) in out in size',
  'ptrace 101 117 ptrace(2) int pid pointer pointer',
  'statfs 137 43 statfs(2) path out',
  'fstatfs 138 44 statfs(2) fd out',
  'sched_setscheduler 144 119 sched_setscheduler(2) pid int in',
  'personality 135 92 personality(2) hex',
  'pivot_root 155 41 pivot_root(2) path path',
  'prctl 157 167 prctl(2) prctl int int int int',
  'chroot 161 51 chroot(2) path',
  'mount 165 40 mount(2) string path string mount string',
  'umount2 166 39 umount(2) path umount',
  'sethostname 170 161 sethostname(2) string size',
  'setdomainname 171 162 setdomainname(2) string size',
  'setxattr 188 5 setxattr(2) path string in size int',
  'lsetxattr 189 6 setxattr(2) path string in size int',
  'fsetxattr 190 7 setxattr(2) fd string in size int',
  'getxattr 191 8 getxattr(2) path string out size',
  'lgetxattr 192 9 getxattr(2) path string out size',
  'fgetxattr 193 10 getxattr(2) fd string out size',
  'listxattr 194 11 listxattr(2) path out size',
  'llistxattr 195 12 listxattr(2) path out size',
  'flistxattr 196 13 listxattr(2) fd out size',
  'removexattr 197 14 removexattr(2) path string',
  'lremovexattr 198 15 removexattr(2) path string',
  'fremovexattr 199 16 removexattr(2) fd string',
  'getdents64 217 61 getdents(2) fd out size',
  'sched_setaffinity 203 122 sched_setaffinity(2) pid size in',
  'exit_group 231 94 exit_group(2) int',
  'waitid 247 95 waitid(2) waittype pid out wait pointer',
  'clock_gettime 228 113 clock_gettime(2) int out',
  'keyctl 250 219 keyctl(2) int path int int int',
  'ioprio_set 251 30 ioprio_set(2) int pid int',
  'ioprio_get 252 31 ioprio_set(2) int pid',
  'inotify_add_watch 254 27 inotify_add_watch(2) fd path hex',
  'openat 257 56 openat(2) dirfd path open octal',
  'mkdirat 258 34 mkdir(2) dirfd path octal',
  'mknodat 259 33 mknod(2) dirfd path octal device',
  'fchownat 260 54 chown(2) dirfd path id id at',
  'newfstatat 262 79 stat(2) dirfd path out at',
  'unlinkat 263 35 unlink(2) dirfd path at',
  'renameat2 316 276 rename(2) dirfd path dirfd path rename',
  'linkat 265 37 link(2) dirfd path dirfd path at',
  'symlinkat 266 36 symlink(2) path dirfd path',
  'readlinkat 267 78 readlink(2) dirfd path out size',
  'fchmodat 268 53 chmod(2) dirfd path octal',
  'ppoll 271 73 ppoll(2) in size in in size',
  'unshare 272 97 unshare(2) clone',
  'utimensat 280 88 utimensat(2) dirfd path in at',
  'eventfd2 290 19 eventfd(2) int open',
  'epoll_create1 291 20 epoll_create(2) int',
  'dup3 292 24 dup(2) fd fd open',
  'pipe2 293 59 pipe(2) out open',
  'prlimit64 302 261 prlimit(2) pid rlimit in out',
  'open_by_handle_at 304 265 open_by_handle_at(2) fd in open',
  'syncfs 306 267 sync(2) fd',
  'setns 308 268 setns(2) fd clone',
  'sched_setattr 314 274 sched_setattr(2) pid in int',
  'seccomp 317 277 seccomp(2) seccompop seccomp in',
  'getrandom 318 278 getrandom(2) out size int',
  'memfd_create 319 279 memfd_create(2) string memfd',
  'bpf 321 280 bpf(2) bpf in size',
  'execveat 322 281 execveat(2) dirfd path argv argv at',
  'copy_file_range 326 285 copy_file_range(2) fd pointer fd pointer size int',
  'statx 332 291 statx(2) dirfd path at hex out',
  'pidfd_send_signal 424 424 pidfd_send_signal(2) fd signal pointer int',
  'open_tree 428 428 open_tree(2) dirfd path opentree',
  'move_mount 429 429 move_mount(2) dirfd path dirfd path movemount',
  'fsopen 430 430 fsopen(2) string fsopen',
  'fsconfig 431 431 fsconfig(2) fd fsconfig string string int',
  'fsmount 432 432 fsmount(2) fd fsmount mountattr',
  'fspick 433 433 fspick(2) dirfd path fspick',
  'pidfd_open 434 434 pidfd_open(2) pid hex',
  'clone3 435 435 clone(2) in size',
  'close_range 436 436 close_range(2) fd fd closerange',
  'openat2 437 437 openat2(2) dirfd path in size',
  'pidfd_getfd 438 438 pidfd_getfd(2) fd fd int',
  'faccessat2 439 439 access(2) dirfd path access accessat',
  'mount_setattr 442 442 mount_setattr(2) dirfd path at in size',
  'fchmodat2 452 452 chmod(2) dirfd path octal at',
] as const;

type Line = (typeof table)[number];
type Words<Text extends string> = Text extends `${infer Word} ${infer Rest}` ? Word | Words<Rest> : Text;
type Formats<Text extends string> = Text extends `${string} ${number} ${number} ${string}) ${infer Rest}` ? Words<Rest> : never;

/** A system call that the project uses. */
export type SyscallName = Line extends infer Text ? (Text extends `${infer Name} ${string}` ? Name : never) : never;

/** What the table says of one call. */
export interface Syscall {
  readonly args: readonly Format[];
  /** The manual page, such as `mount(2)`. */
  readonly man: string;
}

let lines: string | undefined;

/** Where the line of a call is behind its name; 0 where it has none. */
function find(name: string): number {
  lines ??= `\n${table.join('\n')}\n`;
  const at = lines.indexOf(`\n${name} `);
  return at < 0 ? 0 : at + name.length + 2;
}

/** What the table says of a call; undefined of one that the project does not use. */
export function findSyscall(name: string): Syscall | undefined {
  const at = find(name);
  if (at === 0) return undefined;
  const [, , man, ...args] = lines!.slice(at, lines!.indexOf('\n', at)).split(' ');
  return { args: args as Formats<Line>[], man: man! };
}

const numbers: Readonly<Record<Architecture, Map<SyscallName, number>>> = { x64: new Map(), arm64: new Map() };

/** A call's number. */
export function syscallNumber(name: SyscallName, of: Architecture = architecture): number {
  const known = numbers[of].get(name);
  if (known !== undefined) return known;
  const x64 = find(name);
  const at = of === 'x64' ? x64 : lines!.indexOf(' ', x64) + 1;
  const number = Number(lines!.slice(at, lines!.indexOf(' ', at)));
  numbers[of].set(name, number);
  return number;
}
