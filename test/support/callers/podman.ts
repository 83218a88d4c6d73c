/**
 * podman on the bench. It runs here, on a machine without systemd, once it is told: cgroups by cgroupfs, events to a file, the log
 * of a container to a file, no network but none and host. Its conmon calls the runtime.
 */
import type { CallerBench } from './bench.ts';
import { runtimes, type Caller } from './compare.ts';

/**
 * Puts `podman` before the machine's own: with its directories on the bench, and `$RUNTIME` (runc where it is unset).
 * @param json whether podman is told that it can ask hako-oci for JSON, as it knows of runc and crun by itself
 */
export async function podmanOn(bench: CallerBench, json = false): Promise<Caller> {
  const runtimeTable = Object.entries(runtimes).map(([name, path]) => `${name} = ["${path}"]`);
  const settings = bench.file(
    'containers.conf',
    `[containers]
log_driver = "k8s-file"
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["runc"${json ? ', "hako-oci"' : ''}]
runtime_supports_nocgroup = ["hako-oci"]
[engine.runtimes]
${runtimeTable.join('\n')}
`,
  );
  bench.script(
    'podman',
    `export CONTAINERS_CONF=${settings}
exec /usr/bin/podman --root $DIR/podman/root --runroot /run/podman --tmpdir /run/podman-tmp --storage-driver overlay \\
  --network-config-dir $DIR/podman/net --runtime \${RUNTIME:-runc} "$@"`,
  );
  // podman removes a pod's cgroup where there are controllers, and leaves those that the runtime made in other hierarchies.
  bench.left = /\/(conmon|[0-9a-f]{64})$/;
  await bench.must('podman load --quiet --input $DIR/image.tar');
  return {
    bench,
    environment: (runtime) => {
      const P = `--cgroup-parent=${bench.cgroup}`;
      const N = `--network=none ${P}`;
      return { RUNTIME: runtime, P, N, I: 'localhost/base', C: `c-${runtime}`, R: `podman run --rm ${N}` };
    },
    removeAll: 'podman unpause --all; podman pod rm --all --force --time 0; podman rm --all --force --time 0',
  };
}
