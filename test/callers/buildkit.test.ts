/**
 * BuildKit, as it is inside dockerd: it knows no other runtime than the `runc` of its PATH, and calls `runc run` for each step of a build.
 * So a daemon of its own has hako-oci by that name.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallerBench } from '../support/callers/bench.ts';
import { runtimes } from '../support/callers/compare.ts';
import { dockerOn } from '../support/callers/docker.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const dockerfile = `FROM localhost/base
RUN echo built >/built && id -un && ls /proc/self/fd | wc -l
USER writer
RUN --mount=type=tmpfs,target=/data --mount=type=cache,target=/kept mountpoint /data && id -un
CMD ["cat", "/built"]
`;

for (const [name, path] of Object.entries(runtimes)) {
  test(`a build whose runc is ${name}`, { skip: firstOf(needsRoot(), needs('dockerd', 'containerd', 'runc')) }, async () => {
    await using bench = await CallerBench.make();
    bench.left = /\/buildkit$/;
    bench.script('runc', `echo "$@" >>$DIR/calls; exec ${path} "$@"`);
    const { environment } = await dockerOn(bench);
    const options = { env: { ...environment('runc'), DIR: bench.directory, DOCKER_BUILDKIT: '1' } };
    await bench.must('mkdir $DIR/context');
    bench.file('context/Dockerfile', dockerfile);
    bench.file('context/fails', 'FROM localhost/base\nRUN exit 7\n');
    bench.file('context/nothere', 'FROM localhost/base\nRUN ["/nothere"]\n');
    const built = await bench.run('docker build --progress plain --tag built $DIR/context', options);
    assert.equal(built.status, 0, built.stderr);
    for (const line of ['root', '4', '/data is a mountpoint', 'writer']) assert.match(built.stderr, new RegExp(`^#\\d+ [\\d.]+ ${line}$`, 'm'));
    assert.match(await bench.must('cat $DIR/calls', options), / run --bundle /);
    assert.equal(await bench.must('docker run --rm built', options), 'built\n');
    assert.match((await bench.run('docker build --progress plain -f $DIR/context/fails $DIR/context', options)).stderr, /exit code: 7/);
    assert.match(
      (await bench.run('docker build --progress plain -f $DIR/context/nothere $DIR/context', options)).stderr,
      /\/nothere: no such file or directory/,
    );
  });
}
