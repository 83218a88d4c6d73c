/** Endpoints and their pool on the real kernel, in a network namespace that stands for the host. */
import assert from 'node:assert/strict';
import { execFileSync, execSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { Judge } from '../../test/support/judge.ts';
import { needs, needsRoot } from '../../test/support/needs.ts';
import { enterPrivateNetwork, kernel, request, routeSocket } from '../../test/support/private-network.ts';
import { errno } from '../kernel/errno.ts';
import { listAddresses, listLinks, listRoutes } from '../kernel/netlink/inventory.ts';
import { addVeth, deleteLink } from '../kernel/netlink/rtnetlink.ts';
import { apply, type Kernel } from '../step/apply.ts';
import { explain } from '../step/explain.ts';
import { AddressPool } from './addresses.ts';
import { ensureBridge, removeBridge, type Bridge } from './bridge.ts';
import { bringLoopbackUp, createEndpoint, removeEndpoints, type Endpoint } from './endpoint.ts';
import { openNetlink } from './netlink.ts';
import { EndpointPool } from './pool.ts';

const skip = needsRoot();
if (!skip) enterPrivateNetwork();
const netlink = openNetlink();
const veths = (): string[] =>
  listLinks(netlink.route)
    .filter((l) => l.kind === 'veth')
    .map((l) => l.name);

/** The network namespaces and sockets that this process holds. */
function descriptors(): string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the directory's own, closed by now
    }
  });
  return targets.filter((target) => /^(net|socket):/.test(target)).toSorted();
}

describe('endpoints', { skip }, () => {
  let bridge: Bridge;
  before(async () => {
    bridge = await apply(ensureBridge(netlink, { name: 'hakotest0' }), { kernel });
    // The sockets that stay open: one to ask, one for the other thread.
    await apply(removeEndpoints(netlink, [{ address: '', hostInterface: 'not-there' }]), { kernel });
  });
  after(() => apply(removeBridge(netlink, bridge.name), { kernel }));

  const create = (address: string, existing?: { namespace: number; pid: number }): Promise<Endpoint> =>
    apply(createEndpoint(netlink, { bridge, address, ...(existing ? { existing } : {}) }), { kernel });

  test('have loopback, address, route and a port of the bridge; and leave nothing', async () => {
    const before = descriptors();
    const judge = new Judge();
    const endpoint = await apply(createEndpoint(netlink, { bridge, address: '172.17.0.2' }), {
      kernel,
      before: (step) => (judge.before(step), 'take'),
      onStep: () => judge.end(),
    });
    assert.match(endpoint.hostInterface, /^veth[0-9a-f]{7}$/);
    const inside = routeSocket(endpoint.namespace as number);
    const [lo, eth0] = listLinks(inside);
    assert.deepEqual([lo?.name, lo?.up, eth0?.name, eth0?.up, eth0?.address, eth0?.mtu], ['lo', true, 'eth0', true, '02:42:ac:11:00:02', bridge.mtu]);
    assert.deepEqual(
      listAddresses(inside).map((a) => `${a.address}/${a.prefix}`),
      ['127.0.0.1/8', '172.17.0.2/16'],
    );
    assert.equal(listRoutes(inside).find((r) => r.prefix === 0)?.gateway, bridge.gateway);
    const port = listLinks(netlink.route).find((l) => l.name === endpoint.hostInterface);
    assert.deepEqual([port?.master, port?.up, port?.mtu], [bridge.index, true, bridge.mtu]);
    closeSync(endpoint.namespace as number);
    closeSync(descriptorOf(inside));
    await apply(removeEndpoints(netlink, [endpoint]), { kernel });
    assert.deepEqual(veths(), []);
    assert.deepEqual(descriptors(), before);
    assert.deepEqual(judge.wrong, []);
    assert.deepEqual(judge.judged.toSorted(), ['network.address', 'network.interface', 'network.loopback', 'network.route', 'network.veth']);
  });

  test('are made in a namespace that a process has already', async () => {
    const sleeper = spawn('unshare', ['--net', '--', 'sleep', 'infinity']);
    await once(sleeper, 'spawn');
    const own = readlinkSync('/proc/self/ns/net');
    while (readlinkSync(`/proc/${sleeper.pid}/ns/net`) === own) await new Promise((resolve) => setImmediate(resolve));
    const namespace = openSync(`/proc/${sleeper.pid}/ns/net`, 'r');
    await apply(bringLoopbackUp(namespace, sleeper.pid!), { kernel });
    const endpoint = await create('172.17.0.3', { namespace, pid: sleeper.pid! });
    assert.equal(endpoint.namespace, namespace);
    const inside = routeSocket(namespace);
    assert.ok(listAddresses(inside).some((a) => a.address === '172.17.0.3'));
    closeSync(descriptorOf(inside));
    await apply(removeEndpoints(netlink, [endpoint]), { kernel });
    closeSync(namespace);
    sleeper.kill('SIGKILL');
    await once(sleeper, 'exit');
  });

  test('undo everything when any of their calls fails', async () => {
    const before = descriptors();
    const failed: string[] = [];
    for (let failing = 0, done = false; !done; failing++) {
      let count = 0;
      done = true;
      const faulty: Kernel = {
        call: (c, resolve) => {
          // Closing is not made to fail: a descriptor that is not closed is left by definition.
          if (c.name === 'close' || count++ !== failing) return kernel.call(c, resolve);
          done = false;
          failed.push(c.name);
          return -errno.ENOMEM;
        },
      };
      const [made] = await Promise.allSettled([apply(createEndpoint(netlink, { bridge, address: '172.17.0.4' }), { kernel: faulty })]);
      assert.equal(made.status, done ? 'fulfilled' : 'rejected');
      if (made.status === 'fulfilled') {
        closeSync(made.value.namespace as number);
        await apply(removeEndpoints(netlink, [made.value]), { kernel });
      }
      assert.deepEqual(veths(), [], `after the failure of call ${failing}`);
      assert.deepEqual(descriptors(), before, `after the failure of call ${failing}`);
    }
    assert.deepEqual(failed, ['clone3', 'clone3', 'sendto', 'sendto', 'sendto', 'sendto', 'sendto', 'sendto']);
  });

  test('go together, and only those that are named', async () => {
    const made = [];
    for (let i = 10; i < 14; i++) made.push(await create(`172.17.0.${i}`));
    request(netlink.route, [addVeth('someone', {}, { name: 'elses' })]);
    await apply(removeEndpoints(netlink, made.slice(0, 3)), { kernel });
    assert.deepEqual(veths().toSorted(), ['elses', 'someone', made[3]!.hostInterface].toSorted());
    await apply(removeEndpoints(netlink, made), { kernel }); // those that are gone are passed over
    for (const endpoint of made) closeSync(endpoint.namespace as number);
    request(netlink.route, [deleteLink('someone')]);
    assert.deepEqual(veths(), []);
  });

  test('are what their shell lines would make', { skip: needs('ip') }, async () => {
    const lines = explain(createEndpoint(netlink, { bridge, address: '172.17.0.20' }));
    const typedName = /^ip netns add (\S+)$/m.exec(lines[0]!.shell)![1]!;
    const state = (ip: string, host: string): string =>
      execSync(`${ip} address; ${ip} route; ip -d link show ${host}`)
        .toString()
        .replaceAll(host, 'HOST')
        .replace(/^\d+: |@if\d+|link-netns(id)? \S+|link\/ether (?!02:42)\S+|\S+_timer +[\d.]+|port_(id|no) \S+|designated_port \S+|tentative/gm, '');
    const endpoint = await create('172.17.0.20');
    const applied = state(`nsenter --net=/proc/${process.pid}/fd/${endpoint.namespace} ip`, endpoint.hostInterface);
    await apply(removeEndpoints(netlink, [endpoint]), { kernel });
    closeSync(endpoint.namespace as number);
    // `ip netns add` mounts; in a mount namespace of its own nothing of it stays.
    const typed = execFileSync('unshare', [
      '--mount',
      'sh',
      '-ec',
      `${lines.map((s) => s.shell).join('\n')}\nip -n ${typedName} address; ip -n ${typedName} route; ip -d link show ${typedName}; ip netns delete ${typedName}`,
    ]).toString();
    const clean = typed
      .replaceAll(typedName, 'HOST')
      .replace(/^\d+: |@if\d+|link-netns(id)? \S+|link\/ether (?!02:42)\S+|\S+_timer +[\d.]+|port_(id|no) \S+|designated_port \S+|tentative/gm, '');
    assert.equal(clean, applied);
    await apply(removeEndpoints(netlink, [{ address: '', hostInterface: typedName }]), { kernel });
  });
});

/** The descriptor of a socket that {@link routeSocket} opened; this test closes it. */
function descriptorOf(socket: ReturnType<typeof routeSocket>): number {
  return socket.call([]).args[0] as number;
}

describe('the pool of endpoints', { skip }, () => {
  let bridge: Bridge;
  const errors: unknown[] = [];
  const open = (addresses: AddressPool, minimum: number, maximum: number) =>
    new EndpointPool({ netlink, bridge, addresses, kernel, minimum, maximum, onError: (e) => errors.push(e) });
  before(async () => {
    bridge = await apply(ensureBridge(netlink, { name: 'hakotest1' }), { kernel });
  });
  after(() => apply(removeBridge(netlink, bridge.name), { kernel }));

  test('hands out ready ones, makes more when there are none, and takes all away', async () => {
    const addresses = new AddressPool(bridge.subnet, bridge.gateway);
    const pool = open(addresses, 2, 4);
    await pool.fill();
    assert.equal(pool.ready, 2);
    const taken = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    assert.equal(new Set(taken.map((e) => e.address)).size, 3);
    await pool.fill();
    assert.equal(pool.ready, 4, 'more are kept after it ran dry');
    for (const e of taken) assert.throws(() => addresses.reserve(e.address), /in use/);
    await Promise.all(taken.map((e) => pool.release(e, e.namespace)));
    for (const e of taken) addresses.reserve(e.address); // free again
    await pool.close();
    assert.deepEqual(veths(), []);
    assert.deepEqual(errors.splice(0), []);
  });

  test('says when there are no addresses left, and has taken none', async () => {
    const small = new AddressPool({ base: bridge.subnet.base, prefix: 30 }, bridge.gateway);
    const pool = open(small, 2, 2);
    await pool.fill();
    assert.equal(pool.ready, 1);
    assert.match(String(errors.splice(0)[0]), /no address is free in 172\.\d+\.0\.0\/30/);
    const only = await pool.acquire();
    await assert.rejects(pool.acquire(), { name: 'NetworkError', message: /no address is free/ });
    await pool.release(only, only.namespace);
    const again = await pool.acquire();
    await pool.release(again, again.namespace);
    await pool.close();
    errors.splice(0);
    assert.deepEqual(veths(), []);
  });

  test('vanishes with the process that holds it, however that ends', async () => {
    const source = (path: string): string => JSON.stringify(new URL(path, import.meta.url).pathname);
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `
      const { EndpointPool } = await import(${source('./pool.ts')});
      const { AddressPool } = await import(${source('./addresses.ts')});
      const { ensureBridge } = await import(${source('./bridge.ts')});
      const { openNetlink } = await import(${source('./netlink.ts')});
      const { apply } = await import(${source('../step/apply.ts')});
      const { perform } = await import(${source('../kernel/perform.ts')});
      const netlink = openNetlink();
      const kernel = { call: perform };
      const bridge = await apply(ensureBridge(netlink, { name: ${JSON.stringify(bridge.name)} }), { kernel });
      await new EndpointPool({ netlink, bridge, addresses: new AddressPool(bridge.subnet, bridge.gateway), kernel, minimum: 3 }).fill();
      process.stdout.write('ready');
      setInterval(() => {}, 1000);
    `,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    assert.equal(veths().length, 3);
    child.kill('SIGKILL');
    await once(child, 'exit');
    // The kernel takes namespaces away in its own time.
    for (let left = 3; left > 0; left = veths().length) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});
