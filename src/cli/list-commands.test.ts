/** Commands that list, show and change things: their requests and their output. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { FakeEngine, frame, Refusal, type Answer, type Play } from './engine-fixture.ts';

const created = Math.floor(Date.now() / 1000) - 3600 * 5;
const web = {
  Id: 'a'.repeat(64),
  Names: ['/web'],
  Image: 'nginx:1',
  ImageID: 'sha256:1',
  Command: 'nginx -g "daemon off;" and more',
  Created: created,
  State: 'running',
  Status: 'Up 5 hours',
  Ports: [{ IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' }],
  Labels: { tier: 'front' },
  SizeRw: 1000,
  SizeRootFs: 2_000_000,
  Mounts: [],
  NetworkSettings: { Networks: { bridge: {} } },
};
const db = {
  ...web,
  Id: 'b'.repeat(64),
  Names: ['/db'],
  Image: 'pg',
  Command: 'postgres',
  State: 'exited',
  Status: 'Exited (0) 1 hour ago',
  Ports: [],
  Labels: {},
};

async function playing(answers: NonNullable<Play['answers']>): Promise<FakeEngine> {
  return new FakeEngine({ answers }).start();
}
const missing =
  (what: string): Answer =>
  () => {
    throw new Refusal(404, `No such container: ${what}`);
  };

test('ps: the table, -q, --no-trunc, --format and what is asked of the engine', async () => {
  await using engine = await playing({ 'GET /containers/json': () => [web, db] });
  assert.equal(
    (await engine.hako(['ps', '-a', '-f', 'status=running', '-f', 'label=a=b', '--filter', 'status=exited'])).stdout,
    [
      'CONTAINER ID   IMAGE     COMMAND                   CREATED       STATUS                  PORTS                  NAMES',
      'aaaaaaaaaaaa   nginx:1   "nginx -g \\"daemon of…"   5 hours ago   Up 5 hours              0.0.0.0:8080->80/tcp   web',
      'bbbbbbbbbbbb   pg        "postgres"                5 hours ago   Exited (0) 1 hour ago                          db',
      '',
    ].join('\n'),
  );
  const { query } = engine.received[0]!;
  assert.deepEqual([query.get('all'), JSON.parse(query.get('filters')!)], ['1', { status: ['running', 'exited'], label: ['a=b'] }]);
  assert.equal((await engine.hako(['ps', '-q'])).stdout, 'aaaaaaaaaaaa\nbbbbbbbbbbbb\n');
  assert.equal((await engine.hako(['container', 'ls', '-q', '--no-trunc'])).stdout, `${web.Id}\n${db.Id}\n`);
  assert.equal((await engine.hako(['ps', '--format', '{{.Names}}\\t{{.Label "tier"}}{{if eq .State "exited"}}!{{end}}'])).stdout, 'web\tfront\ndb\t!\n');
  assert.equal(
    (await engine.hako(['ps', '--format', 'table {{.Names}}\\t{{.Status}}'])).stdout,
    'NAMES     STATUS\nweb       Up 5 hours\ndb        Exited (0) 1 hour ago\n',
  );
  const [line] = (await engine.hako(['ps', '--format', 'json'])).stdout.split('\n');
  assert.equal((JSON.parse(line!) as { Labels: string }).Labels, 'tier=front');
  await engine.hako(['ps', '-n', '2', '-s']);
  assert.deepEqual(
    ['limit', 'all', 'size'].map((name) => engine.received.at(-1)!.query.get(name)),
    ['2', '1', '1'],
  );
  const wrong = await engine.hako(['ps', '--format', '{{.Nope}}']);
  assert.deepEqual([wrong.code, wrong.stderr.startsWith('hako: the template of --format is wrong: there is no field Nope (there are Command,')], [1, true]);
});

test('images: a line for each name; those without a name, too', async () => {
  const image = {
    Id: `sha256:${'c'.repeat(64)}`,
    RepoTags: ['a:1', 'h:5/a:2'],
    RepoDigests: [],
    Created: created,
    Size: 116_836_352,
    SharedSize: -1,
    Containers: -1,
  };
  await using engine = await playing({ 'GET /images/json': () => [image, { ...image, RepoTags: [], Size: 10 }] });
  assert.equal(
    (await engine.hako(['images', 'a'])).stdout,
    [
      'REPOSITORY   TAG       IMAGE ID       CREATED       SIZE',
      'a            1         cccccccccccc   5 hours ago   117MB',
      'h:5/a        2         cccccccccccc   5 hours ago   117MB',
      '<none>       <none>    cccccccccccc   5 hours ago   10B',
      '',
    ].join('\n'),
  );
  assert.deepEqual(JSON.parse(engine.received[0]!.query.get('filters')!), { reference: ['a'] });
});

test('inspect: takes the first kind that has the name; tells what is not there; templates', async () => {
  const notFound: Answer = missing('img');
  await using engine = await playing({
    'GET /containers/web/json': () => ({ Name: '/web', State: { Pid: 7 } }),
    'GET /images/img/json': () => ({ Id: 'sha256:1' }),
    'GET /*': notFound,
  });
  assert.deepEqual(JSON.parse((await engine.hako(['inspect', 'web', 'img'])).stdout), [{ Name: '/web', State: { Pid: 7 } }, { Id: 'sha256:1' }]);
  assert.deepEqual(await engine.hako(['inspect', '-f', '{{.Name}} {{.State.Pid}} {{if .State.Health}}h{{end}}', 'web']), {
    code: 0,
    stdout: '/web 7 \n',
    stderr: '',
  });
  assert.deepEqual(await engine.hako(['inspect', 'web', 'nope', '-f', 'json']), {
    code: 1,
    stdout: '{"Name":"/web","State":{"Pid":7}}\n',
    stderr: 'hako: no such object: nope\n',
  });
  assert.equal((await engine.hako(['inspect', '--type', 'image', 'web'])).code, 1);
  assert.match((await engine.hako(['inspect', '--type', 'pod', 'web'])).stderr, /invalid type 'pod'/);
});

test('stop, rm, kill: each is tried, errors are told in order, any makes the exit code 1', async () => {
  await using engine = await playing({
    'POST /containers/web/stop': () => undefined,
    'POST /containers/no/stop': missing('no'),
    'DELETE /containers/web': () => undefined,
    'DELETE /containers/no': missing('no'),
    'POST /containers/web/kill': () => undefined,
  });
  assert.deepEqual(await engine.hako(['stop', '-t', '3', 'no', 'web']), { code: 1, stdout: 'web\n', stderr: 'hako: No such container: no\n' });
  assert.equal(engine.received.find((r) => r.path === '/containers/web/stop')!.query.get('t'), '3');
  assert.equal((await engine.hako(['rm', 'no', 'web'])).code, 1);
  assert.deepEqual(await engine.hako(['rm', '-fv', 'no', 'web']), { code: 0, stdout: 'no\nweb\n', stderr: 'hako: No such container: no\n' });
  assert.deepEqual(
    ['force', 'v'].map((name) => engine.received.at(-1)!.query.get(name)),
    ['1', '1'],
  );
  await engine.hako(['kill', '-s', 'HUP', 'web']);
  assert.equal(engine.received.at(-1)!.query.get('signal'), 'HUP');
});

test('logs: apart, or raw with a terminal; times and tails', async () => {
  const multiplexed = 'application/vnd.docker.multiplexed-stream';
  await using engine = await playing({
    'GET /containers/web/logs': (_r, response) => void response.setHeader('Content-Type', multiplexed).write(Buffer.concat([frame(1, 'o\n'), frame(2, 'e\n')])),
    'GET /containers/tty/logs': (_r, response) => void response.setHeader('Content-Type', 'application/vnd.docker.raw-stream').write('raw\r\n'),
  });
  assert.deepEqual(await engine.hako(['logs', '-ft', '-n', '5', '--since', '100.5', 'web']), { code: 0, stdout: 'o\n', stderr: 'e\n' });
  assert.deepEqual(
    ['follow', 'timestamps', 'tail', 'since'].map((name) => engine.received[0]!.query.get(name)),
    ['1', '1', '5', '100.5'],
  );
  assert.equal((await engine.hako(['logs', 'tty'])).stdout, 'raw\r\n');
  assert.equal((await engine.hako(['logs', '--tail', 'x', 'web'])).code, 125);
  assert.match((await engine.hako(['logs', '--since', 'x', 'web'])).stderr, /invalid value for --since: 'x' is not a time/);
});

test('port, top, diff, wait', async () => {
  await using engine = await playing({
    'GET /containers/web/json': () => ({
      NetworkSettings: {
        Ports: {
          '443/tcp': null,
          '80/tcp': [
            { HostIp: '0.0.0.0', HostPort: '8080' },
            { HostIp: '::', HostPort: '8080' },
          ],
        },
      },
    }),
    'GET /containers/web/top': () => ({ Titles: ['PID', 'CMD'], Processes: [['1', 'nginx']] }),
    'GET /containers/web/changes': () => [
      { Path: '/a', Kind: 1 },
      { Path: '/b', Kind: 0 },
      { Path: '/c', Kind: 2 },
    ],
    'POST /containers/web/wait': () => ({ StatusCode: 137 }),
  });
  assert.equal((await engine.hako(['port', 'web'])).stdout, '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n');
  assert.equal((await engine.hako(['port', 'web', '80'])).stdout, '0.0.0.0:8080\n[::]:8080\n');
  assert.match((await engine.hako(['port', 'web', '443'])).stderr, /no public port '443\/tcp' published for web/);
  assert.equal((await engine.hako(['top', 'web', '-eo', 'pid,cmd'])).stdout, 'PID                 CMD\n1                   nginx\n');
  assert.equal(engine.received.at(-1)!.query.get('ps_args'), '-eo pid,cmd');
  assert.equal((await engine.hako(['diff', 'web'])).stdout, 'A /a\nC /b\nD /c\n');
  assert.equal((await engine.hako(['wait', 'web'])).stdout, '137\n');
});

test('stats --no-stream: percentages as Docker computes them', async () => {
  const sample = {
    name: '/web',
    id: web.Id,
    pids_stats: { current: 2 },
    networks: { eth0: { rx_bytes: 1000, tx_bytes: 2000 } },
    cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 2 },
    precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000 },
    memory_stats: { usage: 3 << 20, limit: 8 << 20, stats: { inactive_file: 1 << 20 } },
    blkio_stats: { io_service_bytes_recursive: [{ major: 1, minor: 0, op: 'Read', value: 5000 }] },
  };
  await using engine = await playing({ 'GET /containers/json': () => [web], [`GET /containers/${web.Id}/stats`]: () => sample });
  assert.equal(
    (await engine.hako(['stats', '--no-stream'])).stdout,
    [
      'CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O     BLOCK I/O   PIDS',
      'aaaaaaaaaaaa   web       40.00%    2MiB / 8MiB         25.00%    1kB / 2kB   5kB / 0B    2',
      '',
    ].join('\n'),
  );
});

test('events: text with every nanosecond, JSON as it came, templates', async () => {
  const line =
    '{"Type":"container","Action":"start","Actor":{"ID":"abc","Attributes":{"name":"web","image":"i"}},"scope":"local","time":1700000000,"timeNano":1700000000123456789}';
  await using engine = await playing({ 'GET /events': (_r, response) => void response.write(`${line}\n`) });
  assert.match((await engine.hako(['events', '--until', '0s'])).stdout, /^2023-11-14T22:13:20\.123456789\+00:00 container start abc \(image=i, name=web\)\n$/);
  assert.equal((await engine.hako(['events', '--format', 'json'])).stdout, `${line}\n`);
  assert.equal((await engine.hako(['events', '--format', '{{.Action}} {{.Actor.Attributes.name}} {{.TimeNano}}'])).stdout, 'start web 1700000000123456789\n');
});

test('prune: asks, unless told not to', async () => {
  await using engine = await playing({ 'POST /containers/prune': () => ({ ContainersDeleted: ['x'], SpaceReclaimed: 1234 }) });
  const refused = await engine.hako(['container', 'prune'], 'n\n');
  assert.deepEqual([refused.code, engine.asked.length], [1, 0]);
  assert.equal((await engine.hako(['container', 'prune'], 'y\n')).code, 0);
  assert.equal((await engine.hako(['container', 'prune', '-f'])).stdout, 'Deleted Containers:\nx\n\nTotal reclaimed space: 1.234kB\n');
});
