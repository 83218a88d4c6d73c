/** Published ports on the real kernel: a private network stands for the host, two containers and two other machines. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import test, { after, before, describe } from 'node:test';
import { ask, serve, startAgent, type Agent, type Protocol } from '../../test/support/network-agent.ts';
import { findProgram, needs, needsRoot } from '../../test/support/needs.ts';
import { enterPrivateNetwork, kernel, outside, request, routeSocket, type Outside } from '../../test/support/private-network.ts';
import { elementsOf, getElements } from '../kernel/netlink/nftables.ts';
import { addAddress, addRoute } from '../kernel/netlink/rtnetlink.ts';
import { apply } from '../step/apply.ts';
import { AddressPool } from './addresses.ts';
import { ensureBridge, removeBridge, type Bridge } from './bridge.ts';
import { createEndpoint, removeEndpoints, type Endpoint } from './endpoint.ts';
import { openNetlink } from './netlink.ts';
import { publishPorts, unpublishPorts, type PortBinding } from './ports.ts';
import { reservePorts } from './reservation.ts';
import { portMaps } from './rules.ts';

const skip = needsRoot();
if (!skip) enterPrivateNetwork();
const netlink = openNetlink();
const run = <T>(procedure: Parameters<typeof apply<T>>[0]): Promise<T> => apply(procedure, { kernel });

const loopbackAddress = addAddress(1, '127.0.0.1', 8, '127.255.255.255');
const deleteAddress = { ...loopbackAddress, name: 'RTM_DELADDR', type: 21, flags: 0 };

describe('published ports', { skip }, () => {
  let bridge: Bridge;
  let server: Endpoint;
  let sibling: Endpoint;
  let inServer: Agent;
  let inSibling: Agent;
  let world: Outside;
  let neighbour: Outside;

  before(async () => {
    world = await outside(1);
    neighbour = await outside(2);
    bridge = await run(ensureBridge(netlink, { name: 'hakotest0' }));
    const addresses = new AddressPool(bridge.subnet, bridge.gateway);
    server = await run(createEndpoint(netlink, { bridge, address: addresses.allocate() }));
    sibling = await run(createEndpoint(netlink, { bridge, address: addresses.allocate() }));
    inServer = await startAgent(server.namespace as number);
    inSibling = await startAgent(sibling.namespace as number);
    for (const protocol of ['tcp', 'udp'] as const) await inServer.serve(protocol, '0.0.0.0', 80, 'server');
  });

  after(async () => {
    for (const agent of [inServer, inSibling, world, neighbour]) await agent.stop();
    await run(removeEndpoints(netlink, [server, sibling]));
    await run(removeBridge(netlink, bridge.name));
  });

  /** Publishes while `use` runs. */
  async function published<T>(binding: Partial<PortBinding>, use: (hostPort: number) => Promise<T>): Promise<T> {
    const reservation = await reservePorts([{ hostIp: '', hostPort: 0, containerPort: 80, protocol: 'tcp', ...binding }]);
    const what = { address: server.address, bindings: reservation.bindings };
    try {
      await run(publishPorts(netlink, bridge, what));
      reservation.forward(server.address);
      return await use(reservation.bindings[0]!.hostPort);
    } finally {
      await run(unpublishPorts(netlink, bridge, what));
      await reservation.close();
    }
  }

  for (const bridgeFilter of ['0', '1']) {
    for (const protocol of ['tcp', 'udp'] as const satisfies readonly Protocol[]) {
      test(`${protocol}: reached from outside, localhost, the host's address, a sibling and the container itself; bridge-nf-call-iptables=${bridgeFilter}`, async (t) => {
        try {
          writeFileSync('/proc/sys/net/bridge/bridge-nf-call-iptables', bridgeFilter);
        } catch {
          if (bridgeFilter === '1') return t.skip('the kernel has no bridge netfilter here');
        }
        await published({ protocol }, async (port) => {
          assert.equal(await world.ask(protocol, world.hostAddress, port), `server to ${world.address}`, 'from outside, with the caller’s own address');
          assert.equal(await ask(protocol, '127.0.0.1', port), `server to ${bridge.gateway}`, 'from localhost');
          assert.equal(await ask(protocol, world.hostAddress, port), `server to ${world.hostAddress}`, "from the host by the host's address");
          assert.equal(await inSibling.ask(protocol, world.hostAddress, port), `server to ${bridge.gateway}`, "from a sibling by the host's address");
          assert.equal(await inSibling.ask(protocol, bridge.gateway, port), `server to ${bridge.gateway}`, 'from a sibling by the gateway');
          assert.equal(await inServer.ask(protocol, world.hostAddress, port), `server to ${bridge.gateway}`, 'from the container itself');
          assert.match(await ask(protocol, '::1', port), /^server to /, 'from localhost over IPv6');
        });
      });
    }
  }

  test('containers reach each other and the world; the world sees the host, and reaches no port that is not published', async () => {
    await world.serve('tcp', '0.0.0.0', 7000, 'world');
    assert.equal(await inSibling.ask('tcp', server.address, 80), `server to ${sibling.address}`);
    assert.equal(await inSibling.ask('tcp', world.address, 7000), `world to ${world.hostAddress}`);
    assert.equal(await world.ask('tcp', server.address, 80), 'silence', 'though the world has a route to the container');
  });

  test('a binding on one address is reached there alone', async () => {
    await published({ hostIp: '127.0.0.1' }, async (port) => {
      assert.equal(await ask('tcp', '127.0.0.1', port), `server to ${bridge.gateway}`);
      assert.equal(await world.ask('tcp', world.hostAddress, port), 'ECONNREFUSED');
      assert.equal(await inSibling.ask('tcp', bridge.gateway, port), 'ECONNREFUSED');
    });
    await published({ hostIp: world.hostAddress }, async (port) => {
      assert.equal(await world.ask('tcp', world.hostAddress, port), `server to ${world.address}`);
      assert.equal(await neighbour.ask('tcp', world.hostAddress, port), `server to ${neighbour.address}`, 'an address of the host, from whichever side');
      assert.equal(await neighbour.ask('tcp', neighbour.hostAddress, port), 'ECONNREFUSED');
    });
    await published({ hostIp: '::1' }, async (port) => {
      assert.match(await ask('tcp', '::1', port), /^server to /);
      assert.equal(await ask('tcp', '127.0.0.1', port), 'ECONNREFUSED');
    });
  });

  test("publishing on localhost does not open the host's 127.0.0.1 to containers and neighbours (CVE-2020-8558)", async () => {
    const victim = createSocket('udp4').bind(9999, '127.0.0.1');
    await once(victim, 'listening');
    const arrived: string[] = [];
    victim.on('message', (_, from) => arrived.push(from.address));
    const attackers = [
      { agent: inSibling, route: routeSocket(sibling.namespace as number), gateway: bridge.gateway },
      { agent: neighbour, route: neighbour.route, gateway: neighbour.hostAddress },
    ];
    const attack = async (): Promise<string> => {
      for (const { agent } of attackers) assert.equal(await agent.ask('udp', '127.0.0.1', 9999), 'silence');
      return arrived.splice(0).join();
    };
    // As an attacker would: without a loopback address of its own, 127.0.0.1 is a machine behind the gateway.
    for (const { route, gateway } of attackers) request(route, [deleteAddress, addRoute(gateway, { address: '127.0.0.1', prefix: 32 })]);
    try {
      assert.equal(await attack(), '');
      await published({ hostIp: '127.0.0.1' }, async (port) => {
        for (const { agent } of attackers) assert.equal(await agent.ask('tcp', '127.0.0.1', port), 'silence');
      });
      if (findProgram('nft')) {
        execFileSync('nft', ['flush', 'chain', 'ip', bridge.name, 'guard']);
        assert.equal(await attack(), sibling.address, 'without the guard the packet would arrive: the test sees the difference');
        await run(ensureBridge(netlink, { name: bridge.name }));
      }
    } finally {
      for (const { route } of attackers) request(route, [loopbackAddress]);
      victim.close();
    }
  });

  test("an administrator's drop rule at the forward hook holds", { skip: needs('nft') }, async () => {
    await published({}, async (port) => {
      for (const match of [
        `ip daddr ${server.address} tcp dport 80`,
        `meta l4proto tcp ct original ip daddr ${world.hostAddress} ct original proto-dst ${port} ip saddr != 192.0.2.0/24`,
      ]) {
        execFileSync('nft', [
          `table inet admin; flush table inet admin; table inet admin { chain forward { type filter hook forward priority filter + 10; policy accept; ${match} drop; }; }`,
        ]);
        assert.equal(await world.ask('tcp', world.hostAddress, port), 'silence', match);
      }
      execFileSync('nft', ['delete table inet admin']);
      assert.equal(await world.ask('tcp', world.hostAddress, port), `server to ${world.address}`);
    });
  });

  test('what is unpublished is closed, and no element is left in the maps', async () => {
    const port = await published({}, (hostPort) => Promise.resolve(hostPort));
    assert.equal(await world.ask('tcp', world.hostAddress, port), 'ECONNREFUSED');
    for (const map of Object.values(portMaps)) assert.deepEqual(elementsOf(netlink.netfilter.dump(getElements(bridge.name, map.name))), []);
  });

  test('a binding that another container has is refused by the kernel as well, and nothing of the batch stays', async () => {
    const binding = { hostIp: '', hostPort: 8088, containerPort: 80, protocol: 'tcp' } as const;
    const first = { address: server.address, bindings: [binding] };
    await run(publishPorts(netlink, bridge, first));
    const second = { address: sibling.address, bindings: [{ ...binding, hostIp: '127.0.0.1' }, binding] };
    for (const refused of [second, { ...second, bindings: [binding] }]) await assert.rejects(run(publishPorts(netlink, bridge, refused)), { code: 'EEXIST' });
    const count = (map: keyof typeof portMaps): number => elementsOf(netlink.netfilter.dump(getElements(bridge.name, portMaps[map].name))).length;
    assert.deepEqual([count('oneAddress'), count('anyAddress')], [0, 1], 'and what the other has is not undone');
    await run(unpublishPorts(netlink, bridge, first));
  });

  test('a caller of UDP that goes on sending follows the port to its next container, and reaches none when there is none', async (t) => {
    const socket = createSocket('udp4').bind(0);
    t.after(() => socket.close());
    const send = async (): Promise<string> => {
      socket.send('question', 8090, '127.0.0.1');
      const timer = new AbortController();
      return Promise.race([once(socket, 'message', timer).then(([data]) => String(data)), setTimeout(300, 'silence', timer)]).finally(() => timer.abort());
    };
    await inSibling.serve('udp', '0.0.0.0', 80, 'sibling');
    const bindings: PortBinding[] = [{ hostIp: '', hostPort: 8090, containerPort: 80, protocol: 'udp' }];
    await send(); // the flow is known before anything is published
    for (const [endpoint, name] of [
      [server, 'server'],
      [sibling, 'sibling'],
      [server, 'server'],
    ] as const) {
      const what = { address: endpoint.address, bindings };
      await run(publishPorts(netlink, bridge, what));
      assert.equal(await send(), `${name} to ${bridge.gateway}`);
      await run(unpublishPorts(netlink, bridge, what));
      assert.equal(await send(), 'silence');
    }
  });

  test('after a restart of the engine the table is made anew with what is published, without a gap for callers', async () => {
    const bindings: PortBinding[] = [{ hostIp: '', hostPort: 8089, containerPort: 80, protocol: 'tcp' }];
    await run(ensureBridge(openNetlink(), { name: bridge.name, published: [{ address: server.address, bindings }] }));
    assert.equal(await world.ask('tcp', world.hostAddress, 8089), `server to ${world.address}`);
    const reservation = await reservePorts(bindings);
    reservation.forward(server.address);
    assert.match(await ask('tcp', '::1', 8089), /^server to /);
    await reservation.close();
    await run(unpublishPorts(netlink, bridge, { address: server.address, bindings }));
  });
});

describe('reserved ports', () => {
  test('a port in use is refused, by the name of what was asked for, and nothing stays reserved', async (t) => {
    t.after(await serve('tcp', '127.0.0.1', 18431, 'other'));
    const bindings: PortBinding[] = [
      { hostIp: '', hostPort: 18430, containerPort: 80, protocol: 'tcp' },
      { hostIp: '', hostPort: 18431, containerPort: 80, protocol: 'tcp' },
    ];
    await assert.rejects(reservePorts(bindings), {
      code: 'EADDRINUSE',
      message: /bind for 0\.0\.0\.0:18431\/tcp failed: port is already allocated \(EADDRINUSE\)/,
    });
    (await serve('tcp', '127.0.0.1', 18430, 'free again'))();
  });

  test('an address that the host does not have is refused', async () => {
    for (const protocol of ['tcp', 'udp'] as const) {
      await assert.rejects(reservePorts([{ hostIp: '203.0.113.77', hostPort: 0, containerPort: 80, protocol }]), {
        code: 'EADDRNOTAVAIL',
        message: /203\.0\.113\.77/,
      });
    }
  });

  test('ports that are free are found; while they are held nobody else gets them, and callers are turned away', async () => {
    const reservation = await reservePorts(['tcp', 'udp'].map((protocol) => ({ hostIp: '', hostPort: 0, containerPort: 80, protocol: protocol as Protocol })));
    const [tcp, udp] = reservation.bindings.map((b) => b.hostPort);
    assert.ok(tcp && udp);
    await assert.rejects(reservePorts([{ hostIp: '127.0.0.1', hostPort: tcp, containerPort: 80, protocol: 'tcp' }]), { code: 'EADDRINUSE' });
    await assert.rejects(reservePorts([{ hostIp: '127.0.0.1', hostPort: udp, containerPort: 80, protocol: 'udp' }]), { code: 'EADDRINUSE' });
    assert.equal(await ask('tcp', '127.0.0.1', tcp), 'ECONNRESET');
    await reservation.close();
    assert.equal(await ask('tcp', '127.0.0.1', tcp), 'ECONNREFUSED');
  });
});
