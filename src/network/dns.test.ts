/** Name resolution files. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { hostnameFile, hostResolvConf, hostsFile, resolvConf, sharedHostsFile } from './dns.ts';

const host =
  '# made by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.53 # office\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\nsearch one.example\nsearch two.example three.example\noptions edns0 trust-ad\n';

test("resolv.conf is the host's without the name servers that a container cannot reach", () => {
  assert.equal(resolvConf(host, 'bridge'), 'nameserver 192.0.2.53\nnameserver 2001:db8::53\nsearch two.example three.example\noptions edns0 trust-ad\n');
  assert.match(resolvConf(host, 'host'), /^nameserver 127\.0\.0\.53\nnameserver 192\.0\.2\.53\nnameserver ::1\n/);
  assert.equal(resolvConf('nameserver 127.0.0.1\n', 'bridge'), 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
  assert.equal(resolvConf('', 'host'), '', 'the host resolves nothing either');
});

test('flags replace what the host has, each its part', () => {
  assert.equal(
    resolvConf(host, 'bridge', { servers: ['127.0.0.1'], search: ['x.example'] }),
    'nameserver 127.0.0.1\nsearch x.example\noptions edns0 trust-ad\n',
  );
  assert.equal(resolvConf(host, 'bridge', { search: ['.'], options: ['ndots:2'] }), 'nameserver 192.0.2.53\nnameserver 2001:db8::53\noptions ndots:2\n');
  assert.throws(() => resolvConf(host, 'bridge', { servers: ['dns.example'] }), { message: /"dns\.example" is not the address of a name server/ });
  assert.throws(() => resolvConf(host, 'bridge', { search: ['a\nnameserver 6.6.6.6'] }), { message: /control characters/ });
});

test('hosts has localhost, what was added, and the container', () => {
  const text = hostsFile({
    hostname: 'web',
    domainname: 'example.org',
    address: '172.17.0.2',
    extra: ['db:10.0.0.9', 'up=host-gateway', 'six:[2001:db8::1]', 'seven:2001:db8::2'],
    gateway: '172.17.0.1',
  });
  assert.match(text, /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost /);
  assert.ok(text.endsWith('\n10.0.0.9\tdb\n172.17.0.1\tup\n2001:db8::1\tsix\n2001:db8::2\tseven\n172.17.0.2\tweb.example.org web\n'), text);
  assert.ok(!hostsFile({ hostname: 'alone' }).includes('alone'), 'a name without an address has no line');
  for (const extra of ['db', 'db:', ':10.0.0.9', 'db:10.0.0', 'two names:10.0.0.9'])
    assert.throws(() => hostsFile({ hostname: 'x', extra: [extra] }), { message: /--add-host: write it as NAME:IP/ }, extra);
  assert.throws(() => hostsFile({ hostname: 'x', extra: ['db:10.0.0.9\n6.6.6.6 bank'] }), { message: /control characters/ });
  assert.throws(() => hostsFile({ hostname: 'x', extra: ['db:host-gateway'] }), { message: /host-gateway needs a bridge network/ });
});

test("a container in the host's network has the host's hosts and what was added", () => {
  assert.equal(sharedHostsFile('127.0.0.1 localhost', ['db:10.0.0.9']), '127.0.0.1 localhost\n10.0.0.9\tdb\n');
  assert.equal(hostnameFile('web'), 'web\n');
});

test('where the host asks systemd-resolved alone, the servers behind it are taken', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'hako-dns-'));
  t.after(() => rmSync(root, { recursive: true }));
  assert.equal(hostResolvConf('bridge', root), '');
  for (const folder of ['etc', 'run/systemd/resolve']) mkdirSync(join(root, folder), { recursive: true });
  const write = (path: string, text: string): void => writeFileSync(join(root, path), text);
  write('etc/resolv.conf', 'nameserver 127.0.0.53\n');
  assert.equal(hostResolvConf('bridge', root), 'nameserver 127.0.0.53\n');
  write('run/systemd/resolve/resolv.conf', 'nameserver 192.0.2.1\n');
  assert.equal(hostResolvConf('bridge', root), 'nameserver 192.0.2.1\n');
  assert.equal(hostResolvConf('host', root), 'nameserver 127.0.0.53\n');
  write('etc/resolv.conf', 'nameserver 127.0.0.53\nnameserver 192.0.2.9\n');
  assert.equal(hostResolvConf('bridge', root), 'nameserver 127.0.0.53\nnameserver 192.0.2.9\n');
});
