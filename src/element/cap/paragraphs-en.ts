/**
 * What each capability lets a process do, what fails without it, and how far it goes in the wrong hands: a paragraph each.
 * After capabilities(7), the manual pages it names, and the checks in the kernel's source. The phrase for lists is in kernel/capability-meaning.ts.
 */
import type { CapabilityName } from '../../kernel/capability-meaning.ts';

export const paragraphsEn: Readonly<Record<CapabilityName, string>> = {
  CAP_CHOWN:
    'Gives any file to any user and group: chown(2) with whatever ids. Without it the owner can only hand a file to a group he is a member of himself; everything else ends with EPERM. Package managers and tar need it to unpack files as their owners. Since a file can be taken that way and its permissions then changed, whoever holds it over the whole machine can soon read everything.',
  CAP_DAC_OVERRIDE:
    "Permission bits and ACLs do not stop reading, writing or searching any more; execution still needs at least one x bit. Without it, root too gets EACCES at a file of mode 600 that is somebody else's. It is the part of root that people notice first, and with it /etc/shadow can simply be rewritten. Mandatory controls (SELinux, AppArmor), read-only mounts and the immutable attribute hold against it.",
  CAP_DAC_READ_SEARCH:
    'Reads any file and walks through any directory, whatever the mode says, and opens files by handle with open_by_handle_at(2). Backup programs get by with it, since nothing can be changed. Without it such calls fail with EACCES or EPERM. In a container it is more than it seems: handles name inodes of the whole file system, not of the tree that is visible, which is how the "shocker" program of 2014 read the host\'s files.',
  CAP_FOWNER:
    "Counts as the owner of every file where the kernel asks for the owner: chmod(2), setting times and ACLs, deleting in a directory with the sticky bit, opening with O_NOATIME. Without it those calls fail with EPERM on other people's files. It gives no access to contents by itself; but a mode that can be changed soon does.",
  CAP_FSETID:
    "Keeps the set-user-ID and set-group-ID bits of a file when it is written to or its mode is changed. Without it the kernel clears them: a program that was changed by somebody shall not run with its owner's rights. It also allows setting the set-group-ID bit for a group that one is not in. No error tells of its absence; the bit is just gone.",
  CAP_KILL:
    'Sends signals to processes of every user: kill(2), and the like. Without it only processes with the same real or saved user id can be signalled, and others answer EPERM. Process managers need it when their children change users. It does not reach beyond the PID namespace, since what is not seen there has no number to be named by.',
  CAP_SETGID:
    'Changes group ids and the list of supplementary groups to anything: setgid(2), setgroups(2); also writes group maps of user namespaces and passes false group ids over unix sockets. Without it only the real and saved id can be chosen, and setgroups(2) fails with EPERM. Servers that drop root use it together with CAP_SETUID. Membership of group disk or shadow is nearly root, so it is a strong one.',
  CAP_SETUID:
    'Changes user ids to anything: setuid(2), setresuid(2); also writes user maps of user namespaces and passes false user ids over unix sockets. su, sudo and every daemon that starts as root and goes on as somebody else rely on it. Without it EPERM. Whoever has it becomes uid 0, and execve(2) then gives back everything that is still in the bounding set.',
  CAP_SETPCAP:
    'Works on capabilities themselves: takes from the bounding set, puts whatever is in that into the inheritable set, and changes securebits; all on the process alone that asks. It cannot give what is not there. Without it prctl(PR_CAPBSET_DROP) and PR_SET_SECUREBITS fail with EPERM. A launcher of confined programs needs it, and gives it up last.',
  CAP_LINUX_IMMUTABLE:
    'Sets and clears the attributes immutable and append-only (chattr +i, +a), which stop even root: such a file can be neither changed, nor renamed, nor deleted. Without it the ioctl fails with EPERM. An administrator protects logs and configuration with it; so whoever holds it can take the protection off again, or make a file that root finds undeletable.',
  CAP_NET_BIND_SERVICE:
    'Binds sockets to ports below 1024 (exactly: below net.ipv4.ip_unprivileged_port_start of the network namespace, which container engines often set to 0). Without it bind(2) fails with EACCES. It is the classic reason why a web server started as root. It gives nothing else, so it is the right one to give to a program that wants port 80: setcap cap_net_bind_service=ep.',
  CAP_NET_BROADCAST:
    'Was meant for sending broadcasts and listening to multicasts. No check of the present kernel asks for it: broadcasts need the socket option SO_BROADCAST, and joining a group is open to all. It is kept because numbers in use are not given out again. To hold it is harmless, to lack it is not noticed.',
  CAP_NET_ADMIN:
    'Configures the network of its network namespace: interfaces, addresses, routes, packet filters, traffic control, tunnels, promiscuous mode, socket options such as SO_MARK or large buffers. Without it ip link set and nft answer EPERM, while looking is allowed. In a network namespace that belongs to its own user namespace it is harmless to the host, but opens much kernel code (nf_tables above all) in which holes have been found again and again.',
  CAP_NET_RAW:
    'Opens raw and packet sockets, so sends packets with any header and reads all that passes an interface; and binds to any address for transparent proxying. Without it socket(2) fails with EPERM. ping used to need it (now mostly datagram ICMP sockets do, by net.ipv4.ping_group_range), tcpdump still does. Docker gives it to containers by default; with it neighbours on a bridge can be deceived by false ARP.',
  CAP_IPC_LOCK:
    'Locks memory without regard to RLIMIT_MEMLOCK: mlock(2), mlockall(2), locked mappings, huge pages of System V shared memory. Without it the limit decides, and beyond it stands ENOMEM or EPERM. Databases and programs that keep keys out of swap want it. Abused, it takes memory away that nobody can get back before the process ends, except by its cgroup limit.',
  CAP_IPC_OWNER:
    "Uses System V message queues, semaphores and shared memory whatever their permissions say. Without it msgrcv(2), shmat(2) and the like fail with EACCES on other users' objects. Today few programs use such objects at all; but some databases keep their buffers in them, which then lie open. It reaches as far as the IPC namespace.",
  CAP_SYS_MODULE:
    'Loads kernel modules and takes them out: init_module(2), delete_module(2). Without it EPERM. A module is code in the kernel, so it is all power there is, over every namespace and every check; it counts only in the first user namespace, and no container should ever have it. Loading that the kernel asks for itself (by modprobe) does not need the process to hold it.',
  CAP_SYS_RAWIO:
    'Goes past the kernel to the hardware: I/O ports by iopl(2) and ioperm(2), /dev/mem and /dev/kmem, raw commands to disks, model-specific registers. Without it EPERM. X servers of old used it. With it the memory of the machine can be read and written as far as the kernel is built to let it (lockdown, STRICT_DEVMEM), so it is as good as root over the machine.',
  CAP_SYS_CHROOT:
    'Calls chroot(2), and joins mount namespaces with setns(2) (together with CAP_SYS_ADMIN). Without it EPERM. It looks harmless, but it also breaks out of a chroot: a process that keeps a directory outside open, calls chroot once more and climbs by .. is at the real root. Against a root made by pivot_root(2) in a mount namespace that does not help, since there is nothing above.',
  CAP_SYS_PTRACE:
    'Traces any process with ptrace(2), reads and writes its memory, opens /proc/PID/mem and its descriptors, compares kernel objects. Without it only processes of the same user are open that hold no more capabilities (and Yama may allow still less): EPERM. Debuggers and CRIU need it. Whoever traces a process can do all that the process can, so in a shared PID namespace it is nearly root.',
  CAP_SYS_PACCT:
    "Switches process accounting on and off with acct(2): the kernel then writes a record of every process that ends to a file. Without it EPERM. A leftover of the days when computing time was billed. Counts in the first user namespace only; with it a file can be made to grow, or somebody else's accounting be switched off.",
  CAP_SYS_ADMIN:
    'The great remainder: mounting and unmounting, making and joining namespaces (all but user), setting the host name, quotas, swapon, many ioctls of drivers, trusted extended attributes, seccomp filters without no_new_privs, and some hundred more. capabilities(7) itself calls it the new root. Without it most administration ends with EPERM. Give it to no container that you do not trust as root on the host; in a user namespace of its own it reaches only what belongs to that namespace.',
  CAP_SYS_BOOT:
    "Calls reboot(2) and loads another kernel with kexec_load(2). Without it EPERM. Inside a PID namespace other than the first, reboot(2) ends only that namespace: its process 1 is killed with SIGHUP or SIGINT, which is how a system container says that it wants to restart. kexec, on the other hand, replaces the machine's kernel.",
  CAP_SYS_NICE:
    "Raises priorities: a lower nice value than the limit allows, real-time scheduling, other processes' scheduling, I/O class and processor affinity, moving their memory between nodes. Without it nice can only go up, and sched_setscheduler(2) answers EPERM. Audio servers and databases want it. A real-time loop with it can take a processor from everybody else, as far as the kernel's real-time throttling lets it.",
  CAP_SYS_RESOURCE:
    'Goes beyond limits: raises hard limits of setrlimit(2), uses the space that ext4 reserves, exceeds quotas, lowers its OOM score, makes queues and pipes larger than the sysctls say. Without it a hard limit, once lowered, stays low. In a container it undoes much of what ulimits are set for; cgroup limits hold against it.',
  CAP_SYS_TIME:
    'Sets the system clock and the hardware clock: settimeofday(2), clock_settime(2), adjtimex(2). Without it EPERM, while asking stays free. Only the first user namespace counts, since there is one CLOCK_REALTIME for all; a time namespace shifts just the monotonic and boot clocks. With it certificates can be made to look valid, or expired, and logs be made to lie.',
  CAP_SYS_TTY_CONFIG:
    'Hangs a terminal up for all who have it open (vhangup(2)) and configures virtual consoles by ioctl: fonts, keyboard maps, switching. Without it EPERM. login and the programs that set a console up need it. With it a keyboard map can be planted in which a key types a command for the next user.',
  CAP_MKNOD:
    "Makes device nodes with mknod(2). Without it only regular files, FIFOs and sockets can be made: EPERM. A node is a door to a driver, so in a container the cgroup's device rules must hold what the capability does not: a node for the host's disk could be made, and only opening it is refused. In a user namespace other than the first it does not count at all.",
  CAP_LEASE:
    "Takes a lease (fcntl(2) with F_SETLEASE) on any file: the holder is told when somebody else opens it, and that open waits meanwhile. Without it only on one's own files, else EACCES. File servers such as Samba use leases for their clients' caches. With it any file's opening can be delayed by some seconds (/proc/sys/fs/lease-break-time).",
  CAP_AUDIT_WRITE:
    "Writes records of its own into the kernel's audit log, by a netlink socket. Without it EPERM; sudo, sshd and PAM then complain in their logs, and go on or refuse. Docker gives it by default, for the sake of such programs. With it entries can be invented, but none changed or taken out.",
  CAP_AUDIT_CONTROL:
    'Switches auditing on and off and changes its rules (auditctl), and sets the login uid of a process. Without it EPERM. auditd and the login programs hold it. Whoever has it can make the machine blind to what follows, so it belongs to the auditor alone.',
  CAP_SETFCAP:
    'Writes security.capability to files, so gives programs capabilities (setcap), as far as the file system belongs to its user namespace; what is written in a namespace of its own counts there only. Since Linux 5.12 it is also needed to map uid 0 of the parent into a new user namespace. Without it EPERM. With it a program can be given all that the bounding set allows.',
  CAP_MAC_OVERRIDE:
    'Overrides mandatory access control, for modules that ask it: Smack does. SELinux and AppArmor have rules of their own and pay no attention to it. Without it, under Smack, labels decide for root as well. On a machine without Smack it makes no difference.',
  CAP_MAC_ADMIN:
    'Changes the configuration of mandatory access control: loads policies and labels for Smack and AppArmor; with SELinux it allows setting labels that the policy does not know. Without it EPERM. It counts in the first user namespace (AppArmor has policy namespaces besides). With it a program can lift the very rules that confine it.',
  CAP_SYSLOG:
    "Reads and clears the kernel's log by syslog(2) where kernel.dmesg_restrict is set, and sees kernel addresses in /proc/kallsyms where kernel.kptr_restrict hides them. Without it dmesg says EPERM, and addresses are zeros. It was split off from CAP_SYS_ADMIN in 2.6.37. Addresses are what an exploit of the kernel needs first.",
  CAP_WAKE_ALARM:
    'Sets timers that wake the machine from suspend: CLOCK_REALTIME_ALARM and CLOCK_BOOTTIME_ALARM of timer_create(2) and timerfd_create(2). Without it EPERM. Alarm clocks, and backup jobs at night, need it. With it a laptop in a bag can be woken again and again until its battery is empty; nothing worse.',
  CAP_BLOCK_SUSPEND:
    'Keeps the machine from suspending: by EPOLLWAKEUP of epoll_ctl(2) and by /sys/power/wake_lock. Without it the flag is silently left out, and writing to the file fails with EPERM. Power management of telephones lives by it; on a server it means nothing.',
  CAP_AUDIT_READ:
    'Listens to the audit log by the multicast group of its netlink socket. Without it EPERM. It lets a collector of logs, journald for one, read along without being able to configure or write anything. The log holds command lines and file names of all users, so it is worth protecting.',
  CAP_PERFMON:
    "Watches performance: perf_event_open(2) beyond what kernel.perf_event_paranoid leaves to everybody, and loads eBPF programs for tracing (together with CAP_BPF). Split off from CAP_SYS_ADMIN in 5.8. Without it perf sees only one's own processes, or nothing. With it what others do can be learnt, down to addresses and timing from which secrets can be guessed.",
  CAP_BPF:
    'Creates eBPF maps and loads eBPF programs of the privileged kinds; for tracing it goes together with CAP_PERFMON, for networking with CAP_NET_ADMIN. Split off from CAP_SYS_ADMIN in 5.8. Without it, and with kernel.unprivileged_bpf_disabled set as is usual, bpf(2) fails with EPERM. Programs are checked before they run in the kernel, but the checker itself has had holes.',
  CAP_CHECKPOINT_RESTORE:
    'Helps to freeze processes into files and to thaw them: chooses the next process id (clone3(2) with set_tid, /proc/sys/kernel/ns_last_pid), follows /proc/PID/map_files, sets the link /proc/PID/exe (prctl(2), PR_SET_MM). Split off from CAP_SYS_ADMIN in 5.9, so that CRIU does not need that. Without it EPERM. It reveals somewhat more of processes than their owner might like, but changes none.',
};
