#: raw
mkdir -p /root/bundle/rootfs/{usr,proc,dev,sys,tmp}
cd /root/bundle
for d in bin sbin lib lib32 lib64 libx32; do [ ! -L /$d ] || cp -P /$d rootfs/; done
cat >config.json <<'JSON'
{
  "ociVersion": "1.2.0",
  "process": {
    "args": ["sleep", "infinity"], "cwd": "/", "env": ["PATH=/usr/bin:/bin"],
    "user": {"uid": 1000, "gid": 1000},
    "capabilities": {"bounding": [], "permitted": [], "effective": [], "inheritable": [], "ambient": []},
    "noNewPrivileges": true
  },
  "root": {"path": "rootfs", "readonly": true},
  "mounts": [
    {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro", "nosuid", "nodev"]},
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
    {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777", "size=8m"]}
  ],
  "linux": {
    "cgroupsPath": "/hard",
    "uidMappings": [{"containerID": 0, "hostID": 10000, "size": 2000}],
    "gidMappings": [{"containerID": 0, "hostID": 10000, "size": 2000}],
    "namespaces": [{"type": "user"}, {"type": "mount"}, {"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}],
    "resources": {"pids": {"limit": 20}, "memory": {"limit": 33554432}},
    "readonlyPaths": ["/proc/sys", "/proc/sysrq-trigger"],
    "maskedPaths": ["/proc/kcore", "/proc/keys"],
    "seccomp": {
      "defaultAction": "SCMP_ACT_ALLOW",
      "syscalls": [{"names": ["mount", "ptrace", "unshare", "setns", "bpf", "keyctl"], "action": "SCMP_ACT_ERRNO"}]
    }
  }
}
JSON
hako-oci run --detach hard

#: hako
# An engine of its own, in a user namespace of its own: its containers are there, too.
export HAKO_RUN=/run/deep HAKO_ROOT=/var/lib/deep HAKO_BRIDGE=deep0 HAKO_CGROUP=deep
hako ns run --mount --uid-map 0:0:65536 --gid-map 0:0:65536 -- \
  hako run -d --name hard --network none --user 1000:1000 --cap-drop ALL --security-opt no-new-privileges \
  --read-only --tmpfs /tmp --pids-limit 20 --memory 32m base sleep infinity
