/**
 * containerd and its client ctr on the bench: no CRI plugin, all directories on the bench but the shims' in /run/containerd, which is
 * the bench's own. The shim (containerd-shim-runc-v2) calls the runtime that `ctr run --runc-binary` names.
 */
import type { CallerBench } from './bench.ts';
import { runtimes, type Caller } from './compare.ts';

/** Starts containerd, and loads the image. */
export async function containerdOn(bench: CallerBench): Promise<Caller> {
  const settings = bench.file(
    'containerd.toml',
    `version = 2
root = "${bench.directory}/containerd"
state = "/run/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "/run/containerd.sock"
[ttrpc]
address = "/run/containerd.ttrpc"
`,
  );
  // The namespace is the parent of the containers' cgroups, too.
  const namespace = bench.cgroup.slice(1);
  bench.script('ctr', `exec /usr/bin/ctr --address /run/containerd.sock --namespace ${namespace} "$@"`);
  await bench.daemon('containerd', `containerd --config ${settings}`, 'ctr version');
  await bench.must('ctr images import $DIR/image.tar');
  return {
    bench,
    environment: (runtime) => ({
      R: `--runc-binary ${runtimes[runtime]}`,
      I: 'localhost/base:latest',
      C: `c-${runtime}`,
      RUNTIME: runtime,
      NAMESPACE: namespace,
    }),
    removeAll: `for c in $(ctr tasks ls -q); do ctr tasks resume $c; ctr tasks kill -a -s KILL $c; eventually ctr tasks rm $c; done
      for c in $(ctr containers ls -q); do ctr containers rm $c; done
      ctr snapshots rm c-runc c-hako-oci`,
  };
}
