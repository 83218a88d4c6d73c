/** The lessons' registry speaks as registries do, refuses what does not fit, and bears what is hostile. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { digestOf, Registry } from './registry.ts';

const log: string[] = [];
let origin = '';
const server = createServer((request, response) => void registry.handle(request, response));
let registry: Registry;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  registry = new Registry(origin, (line) => log.push(line));
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function tokenFor(scope: string): Promise<string> {
  const answer = await fetch(`${origin}/token?service=lesson&scope=${scope}`);
  return ((await answer.json()) as { readonly token: string }).token;
}

type Asked = { readonly method?: string; readonly token?: string; readonly body?: Buffer | string };
const ask = (path: string, { method = 'GET', token, body }: Asked = {}): Promise<Response> =>
  fetch(`${origin}${path}`, {
    method,
    ...(token && { headers: { Authorization: `Bearer ${token}` } }),
    ...(body !== undefined && { body: new Uint8Array(Buffer.from(body)) }),
  });

async function upload(token: string, bytes: Buffer, digest = digestOf(bytes)): Promise<Response> {
  const begun = await ask('/v2/shop/app/blobs/uploads/', { method: 'POST', token });
  assert.equal(begun.status, 202);
  return ask(`${begun.headers.get('Location')}?digest=${digest}`, { method: 'PUT', token, body: bytes });
}

test('one without a token is told where there is one, and a token opens what it was asked for', async () => {
  const refused = await ask('/v2/shop/app/manifests/1');
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get('WWW-Authenticate'), `Bearer realm="${origin}/token",service="lesson",scope="repository:shop/app:pull"`);
  const token = await tokenFor('repository:shop/app:pull');
  assert.equal((await ask('/v2/shop/app/manifests/1', { token })).status, 404);
  assert.equal((await ask('/v2/shop/other/manifests/1', { token })).status, 401, 'another repository');
  assert.equal((await ask('/v2/shop/app/blobs/uploads/', { method: 'POST', token })).status, 401, 'another action');
  assert.equal((await ask('/v2/', { token: 'x' })).status, 401);
  assert.equal((await ask('/v2/', { token })).status, 200);
});

test('blobs, then the manifest that names them; a tag moves, and the digest stays', async () => {
  const token = await tokenFor('repository:shop/app:pull,push');
  const layer = Buffer.from('a layer');
  const manifestOf = (config: string): string =>
    JSON.stringify({ schemaVersion: 2, config: { digest: digestOf(Buffer.from(config)) }, layers: [{ digest: digestOf(layer) }] });
  const put = (manifest: string): Promise<Response> => ask('/v2/shop/app/manifests/latest', { method: 'PUT', token, body: manifest });
  assert.equal((await put(manifestOf('one'))).status, 400, 'its blobs are not there');
  assert.equal((await upload(token, layer)).status, 201);
  const digests: string[] = [];
  for (const config of ['one', 'two']) {
    assert.equal((await upload(token, Buffer.from(config))).status, 201);
    const answer = await put(manifestOf(config));
    assert.equal(answer.status, 201);
    digests.push(answer.headers.get('Docker-Content-Digest')!);
    assert.equal(log.at(-1), `PUT /v2/shop/app/manifests/latest 201 ${digests.at(-1)}`);
  }
  assert.equal((await ask('/v2/shop/app/manifests/latest', { token })).headers.get('Docker-Content-Digest'), digests[1]);
  assert.equal(await (await ask(`/v2/shop/app/manifests/${digests[0]}`, { token })).text(), manifestOf('one'));
  assert.equal(await (await ask(`/v2/shop/app/blobs/${digestOf(layer)}`, { token })).text(), 'a layer');
  const head = await ask(`/v2/shop/app/blobs/${digestOf(layer)}`, { method: 'HEAD', token });
  assert.equal(head.headers.get('Content-Length'), '7');
  assert.deepEqual(await (await ask('/v2/shop/app/tags/list', { token })).json(), { name: 'shop/app', tags: ['latest'] });
});

test('what does not fit is refused, and named', async () => {
  const token = await tokenFor('repository:shop/app:pull,push');
  const code = async (answer: Response): Promise<string> => ((await answer.json()) as { readonly errors: readonly [{ readonly code: string }] }).errors[0].code;
  assert.equal(await code(await upload(token, Buffer.from('x'), digestOf(Buffer.from('y')))), 'DIGEST_INVALID');
  assert.equal(await code(await ask('/v2/shop/app/blobs/uploads/none', { method: 'PATCH', token })), 'BLOB_UPLOAD_UNKNOWN');
  assert.equal(await code(await ask('/v2/shop/app/manifests/x', { method: 'PUT', token, body: 'no JSON' })), 'MANIFEST_INVALID');
  assert.equal(await code(await ask('/v2/shop/app/manifests/x', { method: 'PUT', token, body: 'null' })), 'MANIFEST_INVALID');
  assert.equal(await code(await ask('/v2/shop/app/manifests/.x', { token })), 'MANIFEST_INVALID');
  assert.equal(await code(await ask(`/v2/shop/app/manifests/${'x'.repeat(200)}`, { token })), 'MANIFEST_INVALID');
  assert.equal(await code(await ask('/v2/SHOP/app/manifests/x')), 'NAME_INVALID');
  assert.equal(await code(await ask('/v2/shop/app/blobs/../../etc/passwd')), 'NAME_INVALID');
  const begun = await ask('/v2/shop/app/blobs/uploads/', { method: 'POST', token });
  const tooMuch = await ask(begun.headers.get('Location')!, { method: 'PATCH', token, body: Buffer.alloc(65 * 2 ** 20) });
  assert.equal(await code(tooMuch), 'SIZE_INVALID');
});
