/**
 * podman on the bench as an ordinary user calls it: who has ids in /etc/subuid, a home and a runtime directory, and no cgroup that he
 * may write. podman makes a user namespace, and calls the runtime as root of it; its init of pods keeps the namespace.
 */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ordinary, type CallerBench } from './bench.ts';
import { runtimes, type Caller } from './compare.ts';

/** Puts `podman`, and `as-user` for other programs, before the machine's own; loads the image into the user's home. */
export async function rootlessPodmanOn(bench: CallerBench): Promise<Caller> {
  const home = join(bench.directory, 'home');
  mkdirSync(home);
  chownSync(home, ordinary.id, ordinary.id);
  chmodSync(home, 0o700);
  const settings = bench.file(
    'containers.conf',
    `[containers]
log_driver = "k8s-file"
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["runc"]
runtime_supports_nocgroup = ["hako-oci"]
[engine.runtimes]
${Object.entries(runtimes)
  .map(([name, path]) => `${name} = ["${path}"]`)
  .join('\n')}
`,
  );
  const runtimeDirectory = `/run/user/${ordinary.id}`;
  bench.script(
    'as-user',
    `export HOME=$DIR/home USER=${ordinary.name} XDG_RUNTIME_DIR=${runtimeDirectory} CONTAINERS_CONF=${settings}
cd $DIR/home
exec setpriv --reuid ${ordinary.id} --regid ${ordinary.id} --clear-groups "$@"`,
  );
  bench.script('podman', 'exec as-user /usr/bin/podman --storage-driver overlay --runtime ${RUNTIME:-runc} "$@"');
  // slirp4netns opens the device as the user: most machines let everybody.
  await bench.must(`install -d -m 700 -o ${ordinary.id} -g ${ordinary.id} ${runtimeDirectory}
    mknod -m 666 $DIR/tun c 10 200 && mount --bind $DIR/tun /dev/net/tun`);
  await bench.must('podman load --quiet --input $DIR/image.tar');
  return {
    bench,
    environment: (runtime) => ({
      RUNTIME: runtime,
      I: 'localhost/base',
      C: `c-${runtime}`,
      N: '--network=none',
      R: 'podman run --rm --network=none',
    }),
    removeAll: 'podman unpause --all; podman pod rm --all --force --time 0; podman rm --all --force --time 0',
  };
}
