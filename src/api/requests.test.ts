import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiFixture } from './api-fixture.ts';

const api = new ApiFixture();

describe('requests', { timeout: 10_000 }, () => {
  test('are answered with and without a version, and say which API this is', async () => {
    for (const path of ['/_ping', '/v1.24/_ping', '/v1.50/_ping']) {
      const { status, text, headers } = await api.ask('GET', path);
      assert.deepEqual([status, text, headers['api-version'], headers['ostype'], headers['docker-experimental']], [200, 'OK', '1.50', 'linux', 'false']);
    }
    const head = await api.ask('HEAD', '/_ping');
    assert.deepEqual([head.status, head.text], [200, '']);
    assert.deepEqual([(await api.ask('GET', '/version')).json.ApiVersion, (await api.ask('GET', '/version')).json.MinAPIVersion], ['1.50', '1.24']);
  });

  test('of another version, path or method get a sentence', async () => {
    assert.match((await api.ask('GET', '/v1.51/info')).json.message, /^client version 1\.51 is too new\. Maximum supported API version is 1\.50$/);
    assert.match((await api.ask('GET', '/v1.12/info')).json.message, /too old/);
    assert.deepEqual(
      [(await api.ask('GET', '/nowhere')).status, (await api.ask('PATCH', '/info')).status, (await api.ask('GET', '/containers/%zz/json')).status],
      [404, 404, 400],
    );
  });

  test("carry the engine's errors as they are", async () => {
    assert.deepEqual(
      [(await api.ask('GET', '/containers/nobody/json')).status, (await api.ask('GET', '/containers/nobody/json')).json],
      [404, { message: 'No such container: nobody' }],
    );
    await api.ask('POST', '/containers/box/stop');
    const again = await api.ask('POST', '/containers/box/stop');
    assert.deepEqual([again.status, again.text], [304, '']);
  });

  test('with wrong parameters are told which', async () => {
    assert.match((await api.ask('POST', '/containers/box/stop?t=soon')).json.message, /'t' is 'soon'/);
    assert.match((await api.ask('POST', '/containers/box/resize?h=24')).json.message, /needs the parameters 'h' and 'w'/);
    assert.match((await api.ask('GET', '/containers/json?filters=[')).json.message, /'filters' is not JSON/);
    assert.match((await api.ask('GET', '/containers/box/logs')).json.message, /at least one/);
    assert.match((await api.ask('POST', '/containers/box/wait?condition=never')).json.message, /'never' is unknown/);
    assert.match((await api.ask('GET', '/containers/box/logs?stdout=1&since=yesterday')).json.message, /'yesterday' in 'since'/);
  });

  test('with wrong bodies are told where', async () => {
    assert.match((await api.ask('POST', '/containers/create', '{"Image":')).json.message, /not JSON/);
    assert.match((await api.ask('POST', '/containers/create')).json.message, /needs a JSON body/);
    assert.equal(
      (await api.ask('POST', '/containers/create', { HostConfig: { Memory: '1g' } })).json.message,
      'HostConfig.Memory is "1g": it must be a whole number.',
    );
    assert.equal((await api.ask('POST', '/containers/create', { Env: ['A=1', 2] })).json.message, 'Env[1] is 2: it must be text.');
    assert.match((await api.ask('POST', '/containers/create', [])).json.message, /^The body is \[\]: it must be an object/);
    assert.equal(api.fake.created.length, 0);
  });

  test("create a container from whatever Docker's clients send", async () => {
    const body = {
      image: 'base',
      Cmd: 'sh',
      Entrypoint: null,
      Unknown: 1,
      Volumes: { '/data': {} },
      Labels: { ['__proto__']: 'x' },
      HostConfig: { Binds: null, PortBindings: { '80/tcp': null }, RestartPolicy: { Name: '' }, ConsoleSize: [0, 0] },
      NetworkingConfig: { EndpointsConfig: { bridge: null } },
    };
    const text = JSON.stringify(body).replace('"Labels":{}', '"Labels":{"__proto__":"x"}');
    assert.equal((await api.ask('POST', '/v1.50/containers/create?name=box', text)).status, 201);
    assert.equal(
      JSON.stringify(api.fake.created[0]),
      JSON.stringify({
        Image: 'base',
        Cmd: ['sh'],
        Volumes: { '/data': {} },
        Labels: { ['__proto__']: 'x' },
        HostConfig: { PortBindings: { '80/tcp': [] }, RestartPolicy: { Name: '' }, ConsoleSize: [0, 0] },
        NetworkingConfig: { EndpointsConfig: { bridge: {} } },
      }),
    );
  });

  test('name images with slashes and tags', async () => {
    assert.equal((await api.ask('GET', '/images/registry.example/team/app:1/json')).json.Id, 'sha256:aa');
    assert.equal((await api.ask('POST', '/images/create?fromImage=registry.example/team/app&tag=1')).status, 200);
    const missing = await api.ask('POST', '/images/create?fromImage=debian&tag=12');
    assert.deepEqual(
      [missing.status, missing.json.message],
      [404, 'The image debian:12 is not here, and pulling from a registry is not available: import an archive of it.'],
    );
  });

  test('for files carry the path in a header and the archive in the body', async () => {
    const { headers } = await api.ask('HEAD', '/containers/box/archive?path=/etc/hosts');
    assert.deepEqual(JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString()), {
      name: '/etc/hosts',
      size: 3,
      mode: 420,
      mtime: '2024-01-01T00:00:00Z',
      linkTarget: '',
    });
    assert.equal((await api.ask('PUT', '/containers/box/archive?path=/tmp', 'x'.repeat(300_000))).status, 200);
    assert.equal(api.fake.uploaded.length, 300_000);
  });
});
