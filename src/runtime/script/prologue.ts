/**
 * What a script of shell lines begins and ends with: a mount namespace of its own, the functions that lines use, the tools that
 * are still needed when the machine's root is gone, and the trap that takes everything back. See docs/decisions/shell-lines.md.
 */
import { word } from '../../step/shell.ts';

/** Programs that are run after pivot_root, when nothing of the machine can be found by its name. */
const tools = ['chown', 'env', 'mount', 'prlimit', 'setpriv', 'umount'] as const;

/** System call numbers, for perl's syscall(): the tables of include/uapi/asm. */
const numbers = {
  x64: { bpf: 321, close_range: 436, seccomp: 317 },
  arm64: { bpf: 280, close_range: 436, seccomp: 277 },
} as const;

const own = (): (typeof numbers)['x64' | 'arm64'] => numbers[process.arch === 'arm64' ? 'arm64' : 'x64'];

/** Begins the script again, without the caller's descriptors and in a mount namespace of its own. */
export function beginAgain(propagation: 'private' | 'slave'): string {
  return `# Once more, in a mount namespace of its own: this machine's mount table stays as it is, and all mounts go with the last process.
# What the caller has open beside 0, 1 and 2 does not come along.
export LC_ALL=C
if [ "\${HAKO_SCRIPT-}" != $$ ]; then
  [ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 125; }
  [ -f "$0" ] || { echo 'save the script as a file, and run that' >&2; exit 125; }
  set -- unshare --mount --propagation ${propagation} sh "$0" "$@"
  ! command -v perl >/dev/null || set -- perl -e 'syscall(${own().close_range}, 3, 0xffffffff, 0); exec { $ARGV[0] } @ARGV' "$@"
  HAKO_SCRIPT=$$ exec "$@"
fi`;
}

/** Functions for both lanes; the shells inside take them from the environment. */
export const functions = `export FUNCTIONS='
# in_root PATH: the place of a path of the container, while its root is a directory here. Links of the image are followed inside it alone.
in_root() {
  rest=$1 place=$ROOT links=0
  while [ -n "$rest" ]; do
    name=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    case $name in
    "" | .) continue ;;
    ..) [ "$place" = "$ROOT" ] || place=\${place%/*}; continue ;;
    esac
    if [ -L "$place/$name" ]; then
      links=$((links + 1))
      [ $links -le 40 ] || { echo "$1: too many links" >&2; return 1; }
      link=$(readlink "$place/$name")
      case $link in /*) place=$ROOT ;; esac
      rest=$link/$rest
    else
      place=$place/$name
    fi
  done
  printf "%s" "$place"
}
'
eval "$FUNCTIONS"

# undo LINE: to be done at the end, the last first.
UNDO=
undo() {
  UNDO="$1
$UNDO"
}
# remove_cgroup DIRECTORY…: ends what is in it. A process that was killed is there for a moment more.
remove_cgroup() {
  for directory; do
    for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      [ -d "$directory" ] || break
      while read -r process; do
        [ "$process" -lt 1 ] || kill -9 "$process" || true
      done <"$directory"/cgroup.procs
      ! rmdir "$directory" 2>/dev/null || break
      sleep 0.1
    done
  done
}
finish() {
  code=$?
  trap - EXIT
  set +e
  [ -z "\${INPUT-}" ] || kill "$INPUT" 2>/dev/null
  eval "$UNDO"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP`;

/** The script's own directories. @param mappedRoot the container's root, in a user namespace, by this machine's ids */
export const directories = (mappedRoot?: { readonly uid: number; readonly gid: number }): string => `umask 022
cd /
[ -n "$STATE" ] || { STATE=$(mktemp -d "\${TMPDIR-/var/tmp}"/hako-script.XXXXXXXX); undo 'rm -rf --one-file-system "$STATE"'${mappedRoot ? `; chgrp ${mappedRoot.gid} "$STATE"; chmod 710 "$STATE"` : ''}; }
mkdir -p "$STATE"/upper "$STATE"/work "$STATE"/tmp
export STATE TMP="$STATE"/tmp ROOT="$STATE"/tmp/root
# In memory: what the script itself needs. Nobody else sees it.
mount -t tmpfs -o mode=755 tmpfs "$TMP"
undo 'exec 6<&- 7<&-; umount --recursive --lazy "$TMP"'
mkdir "$TMP"/root "$TMP"/tools
mkfifo "$TMP"/ready "$TMP"/go
exec 6<>"$TMP"/ready 7<>"$TMP"/go${mappedRoot ? openFor(mappedRoot) : ''}`;

const openFor = ({ uid, gid }: { readonly uid: number; readonly gid: number }): string => `
# The container's root is user ${uid} here, and has to come as far.
setpriv --reuid ${uid} --regid ${gid} --clear-groups test -x "$TMP" || {
  echo "$0: user ${uid}, the container's root, cannot enter $STATE: set another STATE" >&2
  exit 125
}`;

/** Copies of the tools and of what they are linked with. */
export const copyTools = `# Programs of this machine for the time after pivot_root, when they cannot be found by name: copies, started by their own loader.
files=
for program in ${tools.join(' ')} perl; do files="$files $(command -v "$program" || true)"; done
linked=$(ldd $files)
cp -L $files $(printf '%s' "$linked" | sed -n 's/.*=> \\([^ ]*\\) (.*/\\1/p' | sort -u) "$TMP"/tools/
cp -L "$(printf '%s' "$linked" | sed -n '/=>/d; s/^[[:space:]]*\\(\\/[^ ]*\\) (.*/\\1/p' | sort -u)" "$TMP"/tools/ld.so
# Before each of them: how to start it. Empty, as long as names are enough.
export host=`;

/** Bytes as a file among the tools. */
const file = (name: string, bytes: Uint8Array): string =>
  `base64 -d >"$TMP"/tools/${name} <<'END'\n${Buffer.from(bytes)
    .toString('base64')
    .replaceAll(/.{100}/g, '$&\n')
    .trimEnd()}\nEND`;

/** Attaches mounts as the engine does, by descriptor: mount(8) of Debian 12 knows no id maps, and refuses whoever is not root. */
export const attachTools = `# A program that attaches a copy of what is at a path at another one, which it makes; with -r that of a whole tree, with a namespace as
# seen through its id maps: open_tree(2), mount_setattr(2), move_mount(2).
cat >"$TMP"/tools/attach.pl <<'END'
$recursive = $ARGV[0] eq '-r' ? shift() && 0x8000 : 0;
($from, $to, $namespace) = @ARGV;
-e $to or (-d $from ? mkdir($to) : open(FILE, '>', $to)) or die "$to: $!\\n";
$here = '';
($tree = syscall(428, -100, $from, 0x80001 | $recursive)) >= 0 or die "$from: $!\\n";
if (defined $namespace) {
  sysopen(MAPS, $namespace, 0) or die "$namespace: $!\\n";
  $attributes = pack('Q4', 0x100000, 0, 0, fileno(MAPS));
  syscall(442, $tree, $here, 0x1000, $attributes, length($attributes)) >= 0 or die "id maps of $from: $!\\n";
}
syscall(429, $tree, $here, -100, $to, 4) >= 0 or die "$to: $!\\n";
END
mkdir "$TMP"/layers "$TMP"/sources
export FUNCTIONS="$FUNCTIONS"'
attach() { perl "$TMP"/tools/attach.pl "$@"; }
map_ids() { attach "$1" "$2" "$MAPS"; }
'
eval "$FUNCTIONS"`;

/** Loads a seccomp filter: the program as a file, and who loads it. */
export function seccompTools(filter: { readonly bytes: Uint8Array; readonly flags: number }): string {
  return `# The filter of system calls, as the kernel takes it, and a program that loads it and goes on as another: seccomp(2).
${file('seccomp-filter', filter.bytes)}
cat >"$TMP"/tools/seccomp-filter.pl <<'END'
open(F, '<', shift) or die "the filter: $!\\n";
{ local $/; $filter = <F>; }
close(F);
$program = pack('S x6 P', length($filter) / 8, $filter);
syscall(${own().seccomp}, 1, ${filter.flags}, $program) >= 0 or die "seccomp: $!\\n";
exec { $ARGV[0] } @ARGV;
die "$ARGV[0]: $!\\n";
END`;
}

/** Loads a device filter and attaches it. */
export function deviceTools(instructions: Uint8Array): string {
  return `# The device filter, as the kernel takes it, and a program that loads it and attaches it to a cgroup: bpf(2).
${file('device-filter', instructions)}
cat >"$TMP"/tools/device-filter.pl <<'END'
{ local $/; $filter = <STDIN>; }
$load = pack('L L P p L L Q L L a16', 15, length($filter) / 8, $filter, 'Apache-2.0', 0, 0, 0, 0, 0, 'hako_devices');
($program = syscall(${own().bpf}, 5, $load, length($load))) >= 0 or die "loading the device filter: $!\\n";
sysopen(CGROUP, $ARGV[0], 0) or die "$ARGV[0]: $!\\n";
$attach = pack('L5', fileno(CGROUP), $program, 6, 2, 0);
syscall(${own().bpf}, 8, $attach, length($attach)) >= 0 or die "attaching the device filter: $!\\n";
END`;
}

/** A variable that whoever runs the script may set. */
export const variable = (name: string, value: string, what: string): string => `# ${what}\n${name}=\${${name}-${word(value)}}`;
