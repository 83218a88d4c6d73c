/**
 * dockerd on the bench, with the containerd that it starts itself (so that both see the same mounts), its bridge in the network
 * namespace of the bench, without iptables, its cgroups below a parent of the tests. The runtimes are told with their paths; `default-runtime` is changed by SIGHUP.
 */
import type { CallerBench } from './bench.ts';
import { runtimes, type Caller, type Runtime } from './compare.ts';

/** dockerd, and the way to make another runtime the default. */
export interface Docker extends Caller {
  setDefault(runtime: Runtime): Promise<void>;
}

/** Starts dockerd, and loads the image. @param more settings of daemon.json */
export async function dockerOn(bench: CallerBench, more: Readonly<Record<string, unknown>> = {}): Promise<Docker> {
  const directory = `${bench.directory}/docker`;
  const write = (runtime: Runtime): string =>
    bench.file(
      'daemon.json',
      JSON.stringify({
        'data-root': directory,
        'exec-root': '/run/docker-exec',
        pidfile: '/run/docker.pid',
        hosts: ['unix:///run/docker.sock'],
        iptables: false,
        ip6tables: false,
        'storage-driver': 'overlay2',
        'cgroup-parent': bench.cgroup,
        'exec-opts': ['native.cgroupdriver=cgroupfs'],
        // `runc` is a name of dockerd's own.
        runtimes: { 'hako-oci': { path: runtimes['hako-oci'] } },
        'default-runtime': runtime,
        ...more,
      }),
    );
  bench.script('docker', 'exec /usr/bin/docker --host unix:///run/docker.sock "$@"');
  await bench.daemon('dockerd', `dockerd --config-file ${write('runc')}`, 'docker version');
  await bench.must('docker load --quiet --input $DIR/image.tar');
  return {
    bench,
    environment: (runtime) => ({
      RUNTIME: runtime,
      I: 'localhost/base',
      C: `c-${runtime}`,
      D: `docker run --runtime ${runtime}`,
      R: `docker run --rm --runtime ${runtime}`,
      DOCKER_BUILDKIT: '0',
    }),
    removeAll: 'docker rm --force $(docker ps --all --quiet)',
    async setDefault(runtime) {
      write(runtime);
      await bench.must('kill -HUP $(cat $DIR/dockerd.pid)');
      await bench.must(`eventually sh -c "docker info --format '{{.DefaultRuntime}}' | grep -x ${runtime}"`);
    },
  };
}
