# Bundles for the checks of OCI runtimes: a root file system of busybox alone, and the configuration of a container in as few lines as a
# check needs. Read by the groups that use it. Sets:
#   runtime   the words by which the runtime that $argument names is called; with a root of the group's own
#   scratch   a directory of the group's own; rootfs in it
#   cgroups   the group's cgroup
case $argument in
hako-oci) program=/hako/hako-oci ;;
*) program=$argument ;;
esac
scratch=/tmp/$group-$argument
runtime="$program --root /run/$group-$argument"
cgroups=/sys/fs/cgroup/$group-$argument
mkdir "$scratch"

# make_rootfs DIRECTORY
make_rootfs() {
  (umask 022 && mkdir -p "$1/bin" "$1/proc" "$1/sys" "$1/dev" "$1/tmp" "$1/etc" "$1/root")
  cp /bin/busybox "$1/bin/"
  chroot "$1" /bin/busybox --install -s /bin
  printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\nuser:x:1000:\n' >"$1/etc/group"
}

# The configuration that `bundle` begins with: what podman and docker give, as short as it can be.
default_config='{
  "ociVersion": "1.0.2",
  "process": {
    "user": {"uid": 0, "gid": 0}, "args": ["true"], "cwd": "/", "env": ["PATH=/bin", "HOME=/root"], "noNewPrivileges": true,
    "capabilities": {
      "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID"],
      "permitted": ["CAP_CHOWN", "CAP_KILL", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID"],
      "effective": ["CAP_CHOWN", "CAP_KILL", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID"]
    }
  },
  "root": {"path": "../rootfs"},
  "hostname": "box",
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}
  ],
  "linux": {
    "cgroupsPath": "/GROUP/NAME",
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"}],
    "maskedPaths": ["/proc/keys", "/proc/kcore"],
    "readonlyPaths": ["/proc/sys"],
    "resources": {"devices": [{"allow": false, "access": "rwm"}]}
  }
}'

# bundle NAME [CHANGE [ARGUMENT…]]: makes $scratch/NAME, with a configuration that the jq program CHANGE has changed, and the arguments
# of the container's program. The program is `sh -c ARGUMENT` where there is one argument.
bundle() {
  bundle_name=$1 bundle_change=${2:-.}
  [ $# -lt 2 ] || shift
  shift
  [ $# -ne 1 ] || set -- sh -c "exec 2>&1; $1" # one stream, so that what comes first stays first
  [ $# -gt 0 ] || set -- true
  mkdir -p "$scratch/$bundle_name"
  printf '%s' "$default_config" | jq --arg name "$bundle_name" --arg group "${cgroups##*/}" \
    "(.linux.cgroupsPath |= (sub(\"GROUP\"; \$group) | sub(\"NAME\"; \$name))) | .process.args = \$ARGS.positional | $bundle_change" \
    --args -- "$@" >"$scratch/$bundle_name/config.json"
}

# check_run NAME EXPECTED BUNDLE: a check of a bundle that runs in the foreground
check_run() { check "$1" "$2" $runtime run --bundle "$scratch/$3" "$3"; }

# What a user namespace with the ids from 100000 on needs changed of a configuration, with the root file system of mapped_rootfs.
mapped='.linux.namespaces += [{type: "user"}] | .root.path = "../mapped" | del(.mounts[] | select(.type == "sysfs")) |
  .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
mapped_rootfs() {
  make_rootfs "$scratch/mapped"
  chown -hR 100000:100000 "$scratch/mapped"
}
