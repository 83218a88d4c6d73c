#: raw
name=$(sed -n 's/^hostname: //p' wanted)
memory=$(($(sed -n 's/^memory limit: \([0-9]*\).*/\1/p' wanted) * 1048576))
cd bundle
cat > config.json <<END
{
  "ociVersion": "1.0.2",
  "hostname": "$name",
  "root": { "path": "rootfs", "readonly": true },
  "process": { "args": ["sleep", "11111"], "cwd": "/", "env": ["PATH=/usr/bin:/bin"], "user": { "uid": 1000, "gid": 1000 } },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
  "linux": {
    "namespaces": [{ "type": "mount" }, { "type": "pid" }, { "type": "uts" }, { "type": "ipc" }, { "type": "network" }],
    "resources": { "memory": { "limit": $memory } }
  }
}
END
hako-oci run --detach one < /dev/null > ../log 2>&1

#: hako
name=$(sed -n 's/^hostname: //p' wanted)
memory=$(sed -n 's/^memory limit: \([0-9]*\).*/\1/p' wanted)
hako run -d --network none --hostname "$name" --memory "${memory}m" --user 1000:1000 --read-only base sleep 11111
