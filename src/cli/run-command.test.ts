/** `hako run`, `exec`, `start` and `attach` against a server that plays the engine: order of requests, streams, exit codes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { segment } from './client.ts';
import { FakeEngine, frame, Refusal, type Answer, type Play } from './engine-fixture.ts';

const id = 'f'.repeat(64);

const refuse =
  (status: number, message: string): Answer =>
  () => {
    throw new Refusal(status, message);
  };

/** A container that writes its output when it is started, and ends with `code`; with stdin, it answers in capitals first. */
function container(
  code: number,
  options: { readonly stdin?: boolean; readonly wait?: object; readonly start?: () => void } = {},
  answers: Play['answers'] = {},
): Play {
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  return {
    hijacks: {
      [`/containers/${id}/attach`](socket) {
        const input: Buffer[] = [];
        socket.on('data', (data) => input.push(data));
        const finish = async (): Promise<void> => {
          await started.promise;
          const answer = options.stdin ? Buffer.concat(input).toString().toUpperCase() : 'out\n';
          socket.end(Buffer.concat([frame(1, answer), frame(2, 'err\n')]));
          ended.resolve();
        };
        if (options.stdin) socket.on('end', () => void finish());
        else void finish();
      },
    },
    answers: {
      'POST /containers/create': () => ({ Id: id, Warnings: [] }),
      async [`POST /containers/${id}/wait`](_received, response) {
        response.flushHeaders();
        await ended.promise;
        response.end(JSON.stringify({ StatusCode: code, ...options.wait }));
      },
      [`POST /containers/${id}/start`](_received, response) {
        options.start?.();
        started.resolve();
        response.statusCode = 204;
      },
      [`DELETE /containers/${id}`]: () => undefined,
      ...answers,
    },
  };
}

test('run: attaches and waits before it starts, keeps stdout and stderr apart, ends with the exit code', async () => {
  await using engine = await new FakeEngine(container(3)).start();
  assert.deepEqual(await engine.hako(['run', '--rm', 'image', 'cmd', '-x']), { code: 3, stdout: 'out\n', stderr: 'err\n' });
  const [first, second, third, fourth] = engine.asked;
  assert.equal(first, 'POST /containers/create');
  assert.deepEqual(new Set([second, third]), new Set([`HIJACK /containers/${id}/attach`, `POST /containers/${id}/wait`]));
  assert.equal(fourth, `POST /containers/${id}/start`);
  assert.equal(engine.received.find((r) => r.path.endsWith('/wait'))!.query.get('condition'), 'removed');
  assert.deepEqual(engine.bodyOf('POST /containers/create')['Cmd'], ['cmd', '-x']);
});

test('run -i: the end of stdin reaches the container, whose output still comes', async () => {
  await using engine = await new FakeEngine(container(0, { stdin: true })).start();
  const big = 'abc\n'.repeat(100_000);
  const { code, stdout } = await engine.hako(['run', '-i', 'image'], big);
  assert.equal(code, 0);
  assert.equal(stdout.length, big.length);
  assert.equal(stdout, big.toUpperCase());
});

test('run -d: prints the id; --name, --cidfile', async () => {
  await using engine = await new FakeEngine(container(0)).start();
  const cidfile = join(engine.directory, 'cid');
  assert.deepEqual(await engine.hako(['run', '-d', '--name', 'web', '--cidfile', cidfile, 'image']), { code: 0, stdout: `${id}\n`, stderr: '' });
  assert.equal(engine.received[0]!.query.get('name'), 'web');
  assert.equal(readFileSync(cidfile, 'utf8'), id);
  const again = await engine.hako(['run', '-d', '--cidfile', cidfile, 'image']);
  assert.equal(again.code, 125);
  assert.match(again.stderr, /container ID file found/);
});

const startErrors: readonly (readonly [message: string, code: number, status?: number])[] = [
  ['exec: "nosuch": executable file not found in $PATH', 127],
  ['exec /nosuch: no such file or directory', 127],
  ['exec /etc: is a directory', 126],
  ['exec /data: permission denied', 126],
  ['exec /script: exec format error', 126],
  ['port 80 is already in use', 125],
  ['writing the sysctl a.b: no such file or directory', 125, 500],
];
for (const [message, code, status = 400] of startErrors) {
  test(`run: a start refused with '${message}' ends with ${code}, and --rm leaves nothing`, async () => {
    await using engine = await new FakeEngine(
      container(0, {
        start: () => {
          throw new Refusal(status, message);
        },
      }),
    ).start();
    assert.deepEqual(await engine.hako(['run', '--rm', 'image']), { code, stdout: '', stderr: `hako: ${message}\n` });
    assert.equal(engine.asked.at(-1), `DELETE /containers/${id}`);
  });
}

test('run: an unknown image is told with what to do', async () => {
  await using engine = await new FakeEngine({ answers: { 'POST /containers/create': refuse(404, 'No such image: nope:latest') } }).start();
  const { code, stderr } = await engine.hako(['run', 'nope']);
  assert.equal(code, 125);
  assert.match(stderr, /^hako: Unable to find image 'nope:latest' locally\nImport it with `hako image import/);
});

test('an engine that does not know what is asked is told to be of another build, and what to do', async () => {
  const answers = { 'POST /containers/create': refuse(404, 'POST /containers/create is not part of this API.') };
  await using engine = await new FakeEngine({ answers }).start();
  const { code, stderr } = await engine.hako(['run', 'base', 'true']);
  assert.equal(code, 125);
  assert.match(stderr, /^hako: the engine that runs is of another build than this client .*\nStop it with `hako engine stop`: containers go on/);
});

test('a name is one part of the path that is asked for: a slash in it makes no other route, and none is asked for without a name', async () => {
  assert.equal(segment('a/json'), 'a%2Fjson');
  await using engine = await new FakeEngine({}).start();
  assert.equal((await engine.hako(['trace', ''])).stderr, 'hako: nothing has an empty name: give a name or an id\n');
  assert.deepEqual(engine.asked, []);
});

test('run: warnings of the engine are shown', async () => {
  await using engine = await new FakeEngine(container(0, {}, { 'POST /containers/create': () => ({ Id: id, Warnings: ['no swap limit'] }) })).start();
  assert.equal((await engine.hako(['run', 'image'])).stderr, 'WARNING: no swap limit\nerr\n');
});

test('run: an error of the wait is the engine’s fault', async () => {
  await using engine = await new FakeEngine(container(1, { wait: { Error: { Message: 'lost it' } } })).start();
  const { code, stderr } = await engine.hako(['run', 'image']);
  assert.equal(code, 125);
  assert.match(stderr, /lost it/);
});

test('run: an engine that goes away is told, not taken for the container’s end', async () => {
  const vanish: Answer = (_received, response) => {
    response.flushHeaders();
    setImmediate(() => response.destroy());
    return new Promise(() => {});
  };
  await using engine = await new FakeEngine(container(0, {}, { [`POST /containers/${id}/wait`]: vanish })).start();
  const { code, stderr } = await engine.hako(['run', 'image']);
  assert.equal(code, 125);
  assert.match(stderr, /the engine went away/);
});

test('run: signals go to the container', async () => {
  const got = Promise.withResolvers<string | null>();
  const up = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using engine = await new FakeEngine({
    hijacks: { [`/containers/${id}/attach`]: (socket) => void gone.promise.then(() => socket.end()) },
    answers: {
      'POST /containers/create': () => ({ Id: id, Warnings: [] }),
      [`POST /containers/${id}/start`]: () => up.resolve(),
      async [`POST /containers/${id}/wait`](_received, response) {
        response.flushHeaders();
        await gone.promise;
        response.end('{"StatusCode":130}');
      },
      [`POST /containers/${id}/kill`]({ query }) {
        got.resolve(query.get('signal'));
        gone.resolve();
      },
    },
  }).start();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'run', 'image'], {
    env: { ...process.env, HAKO_RUN: engine.directory },
    stdio: 'ignore',
  });
  await up.promise;
  child.kill('SIGINT');
  assert.equal(await got.promise, 'SIGINT');
  assert.deepEqual(await once(child, 'exit'), [130, null]);
});

test('exec: streams and exit code', async () => {
  await using engine = await new FakeEngine({
    hijacks: { '/exec/e1/start': (socket) => void socket.end(frame(1, 'hi\n')) },
    answers: { 'POST /containers/web/exec': () => ({ Id: 'e1' }), 'GET /exec/e1/json': () => ({ ExitCode: 7 }) },
  }).start();
  assert.deepEqual(await engine.hako(['exec', '-e', 'A=1', '-w', '/x', '-u', '5', 'web', 'ls', '-l']), { code: 7, stdout: 'hi\n', stderr: '' });
  const { Cmd, Env, WorkingDir, User, AttachStdin } = engine.bodyOf('POST /containers/web/exec');
  assert.deepEqual([Cmd, Env, WorkingDir, User, AttachStdin], [['ls', '-l'], ['A=1'], '/x', '5', false]);
});

test('exec -d: what does not exist ends with 127', async () => {
  const answers = { 'POST /containers/web/exec': () => ({ Id: 'e1' }), 'POST /exec/e1/start': refuse(400, 'exec: "x": executable file not found in $PATH') };
  await using engine = await new FakeEngine({ answers }).start();
  assert.equal((await engine.hako(['exec', '-d', 'web', 'x'])).code, 127);
});

test('start -a: takes the terminal setting from the container', async () => {
  const inspect = { Id: id, Config: { Tty: false, OpenStdin: false }, HostConfig: { AutoRemove: false }, State: { Running: false } };
  await using engine = await new FakeEngine(container(4, {}, { 'GET /containers/web/json': () => inspect })).start();
  assert.deepEqual(await engine.hako(['start', '-a', 'web']), { code: 4, stdout: 'out\n', stderr: 'err\n' });
});

test('attach: refuses a container that is stopped', async () => {
  await using engine = await new FakeEngine({ answers: { 'GET /containers/web/json': () => ({ Config: {}, State: { Running: false } }) } }).start();
  const { code, stderr } = await engine.hako(['attach', 'web']);
  assert.equal(code, 1);
  assert.match(stderr, /you cannot attach to a stopped container/);
});

test('run -it without a terminal is refused before anything is made', async () => {
  await using engine = await new FakeEngine(container(0)).start();
  const { code, stderr } = await engine.hako(['run', '-it', 'image']);
  assert.equal(code, 1);
  assert.match(stderr, /the input device is not a TTY/);
  assert.deepEqual(engine.asked, []);
});

test('run --explain prints the steps and makes nothing', async () => {
  const steps = [
    {
      id: 'mount.overlay',
      what: 'Mount the layers',
      shell: 'mount -t overlay',
      calls: ['mount(…)'],
      look: 'findmnt',
      undo: ['umount2(…)'],
      inside: [{ id: 'proc.exec', what: 'Run', shell: 'exec', calls: [], look: '', undo: [], inside: [] }],
    },
  ];
  await using engine = await new FakeEngine({ answers: { 'POST /containers/explain': () => steps } }).start();
  const { code, stdout } = await engine.hako(['run', '--explain', '--name', 'x', 'image', 'true']);
  assert.equal(code, 0);
  assert.equal(
    stdout,
    [
      '1  Mount the layers',
      '   step   mount.overlay',
      '   shell  mount -t overlay',
      '   calls  mount(…)',
      '   look   findmnt',
      '   undo   umount2(…)',
      '',
      '   1.1  Run',
      '      step   proc.exec',
      '      shell  exec',
      '',
      '',
    ].join('\n'),
  );
  assert.deepEqual(JSON.parse((await engine.hako(['run', '--explain=json', 'image'])).stdout), steps);
  assert.deepEqual(new Set(engine.asked), new Set(['POST /containers/explain']));
  assert.equal(existsSync(join(engine.directory, 'hakod.log')), false);
});
