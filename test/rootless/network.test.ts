/** The network of an ordinary user's engine: what connects it with the host's, and published ports. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createListener, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { firstOf, needs, needsRoot } from '../support/needs.ts';
import { OwnEngine } from '../support/own-engine.ts';

const address = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
const skip = firstOf(needsRoot(), needs('unshare', 'setpriv', 'python3'), address === undefined && 'this machine has no address but its own loopback');

/** Fetches from a URL in a container: the base image has the host's programs, and a mount gives them what they need. */
const python = (script: string): string[] => ['-v', '/usr:/usr:ro', 'base', 'python3', '-c', script];
const fetching = (url: string): string[] => python(`import urllib.request; print(urllib.request.urlopen("${url}", timeout=5).read().decode())`);
const serving =
  'import http.server as h\nclass S(h.BaseHTTPRequestHandler):\n def do_GET(s): s.send_response(200); s.end_headers(); s.wfile.write(b"container")\nh.HTTPServer(("", 80), S).serve_forever()';

/** A server of the host, on all its addresses. */
async function hostServer(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_, response) => response.end('host')).listen(0);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** What a URL answers, or undefined where nobody listens; a container's server may take a moment to begin. */
async function answer(url: string, tries = 1): Promise<string | undefined> {
  for (let i = 0; i < tries; i++) {
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(5000) })).text();
    } catch {
      await pause(100);
    }
  }
  return undefined;
}

describe('the network of an ordinary user', { skip }, () => {
  test('leads out, and ports of the host lead in, by slirp4netns', { skip: needs('slirp4netns') }, async () => {
    const { server, port } = await hostServer();
    const other = createListener().listen(0, '0.0.0.0');
    await once(other, 'listening');
    try {
      await using engine = new OwnEngine({ programs: ['slirp4netns'] });
      assert.equal(await engine.must('run', '--rm', ...fetching(`http://${address}:${port}/`)), 'host');

      const id = await engine.must('run', '-d', '--name', 'web', '-p', '80', '-p', '127.0.0.1::80', ...python(serving));
      const [everywhere, here] = (await engine.must('port', 'web')).split('\n').map((line) => line.split(' -> ')[1]!);
      assert.match(everywhere!, /^0\.0\.0\.0:/);
      assert.match(here!, /^127\.0\.0\.1:/);
      const ports = [everywhere, here].map((text) => text!.split(':')[1]!);
      assert.equal(await answer(`http://${address}:${ports[0]}/`, 100), 'container');
      assert.equal(await answer(`http://127.0.0.1:${ports[1]}/`), 'container');
      assert.equal(await answer(`http://${address}:${ports[1]}/`), undefined, 'published for the loopback address alone');

      const taken = await engine.hako('run', '--rm', '-p', `${(other.address() as AddressInfo).port}:80`, 'base', 'true');
      assert.notEqual(taken.status, 0);
      assert.match(taken.stderr, /bind for 0\.0\.0\.0:\d+\/tcp failed: .*already allocated/);

      // The engine goes and comes; what leads to the container stays, and goes with it.
      await engine.kill();
      assert.equal(await answer(`http://127.0.0.1:${ports[1]}/`), 'container');
      assert.equal(await engine.must('ps', '-q', '--no-trunc'), id);
      assert.equal(await answer(`http://127.0.0.1:${ports[1]}/`), 'container');
      await engine.must('rm', '-f', 'web');
      for (let tries = 0; tries < 50 && (await answer(`http://127.0.0.1:${ports[1]}/`)) !== undefined; tries++);
      assert.equal(await answer(`http://127.0.0.1:${ports[1]}/`), undefined);
    } finally {
      server.close();
      other.close();
    }
  });

  test('leads out by pasta, which publishes nothing', { skip: needs('pasta') }, async () => {
    const { server, port } = await hostServer();
    try {
      await using engine = new OwnEngine({ programs: ['pasta'] });
      assert.equal(await engine.must('run', '--rm', ...fetching(`http://${address}:${port}/`)), 'host');
      assert.match(readFileSync(join(engine.run, 'namespaces.json'), 'utf8'), /"program":"pasta"/);
      assert.match((await engine.hako('run', '--rm', '-p', '18080:80', 'base', 'true')).stderr, /pasta connects this engine: install slirp4netns/);
    } finally {
      server.close();
    }
  });
});
