/**
 * The procedures of the commands that need no engine (src/element/), for the manual's examples: see every-step.ts. A command whose
 * steps are its own has a line here. Called in a network namespace that nobody else is in.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Credentials } from '../../src/element/cap/credentials.ts';
import { removeFile, setFile } from '../../src/element/cap/file.ts';
import { probe } from '../../src/element/cap/probe.ts';
import { prepare } from '../../src/element/cap/run.ts';
import { make } from '../../src/element/cgroup/make.ts';
import { foreground } from '../../src/element/foreground.ts';
import { changeRoute, giveAddress, makeVeth, plug, removeLink, setMtu, switchLink, takeAddress, unplug } from '../../src/element/net/links.ts';
import { addNamed, removeNamed } from '../../src/element/net/named.ts';
import type { NetworkNamespace } from '../../src/element/net/namespaces.ts';
import { addMasquerade, removeMasquerade } from '../../src/element/net/nat.ts';
import { sendProbe } from '../../src/element/net/probe.ts';
import { runInNamespace } from '../../src/element/net/run.ts';
import { at, setForwarding } from '../../src/element/net/site.ts';
import type { Scene } from '../../src/element/net/snapshot.ts';
import { keepNamespaceStep, releaseNamespaceStep } from '../../src/element/ns/keep.ts';
import { denyGroups } from '../../src/runtime/id-map.ts';
import { groupStep, lendTerminal } from '../../src/element/terminal.ts';
import { tryOut } from '../../src/element/root/compare.ts';
import { mountHere, unmountStep } from '../../src/element/overlay/mount.ts';
import { pack } from '../../src/element/overlay/pack.ts';
import { stackOfDirectories } from '../../src/element/overlay/stack.ts';
import { setPropagation } from '../../src/element/root/propagation.ts';
import { runInRoot } from '../../src/element/root/run.ts';
import { Unknown, type Call } from '../../src/kernel/call.ts';
import { holdNamespace } from '../../src/kernel/namespace.ts';
import { NetlinkSocket } from '../../src/kernel/netlink/socket.ts';
import { capabilityMask } from '../../src/kernel/capability.ts';
import { cloneFlags } from '../../src/kernel/flags.ts';
import { perform } from '../../src/kernel/perform.ts';
import { parseSubnet } from '../../src/network/subnet.ts';
import type { CgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import { explain, type Explanation } from '../../src/step/explain.ts';
import { step, type Procedure, type Step } from '../../src/step/step.ts';

/** Explains procedures that together take every step of src/element/. @param directory for files, whose name is taken off afterwards */
export function* elementExplanations(layout: CgroupLayout, directory: string): Generator<Explanation[]> {
  yield explain(foreground({ name: 'sh', flags: cloneFlags.CLONE_NEWUTS, inside: [], args: ['sh'], env: [], shell: 'unshare --uts sh' }));
  yield explain(make(layout, 'web', { resources: {}, files: [{ file: 'memory.high', value: '33554432' }] }));
  for (const steps of capabilities(directory)) yield explain(steps);
  for (const steps of network()) yield explain(steps);
  for (const steps of roots(directory)) yield explain(steps);
  for (const steps of namespaces()) yield explain(steps);
  for (const steps of overlays(directory)) yield explain(steps);
}

function* overlays(directory: string): Generator<Procedure<unknown>> {
  const [upper, lower] = ['upper', 'lower'].map((name) => join(directory, 'srv', name)) as [string, string];
  for (const path of [upper, lower]) mkdirSync(path, { recursive: true });
  const mount = { lower: [lower], upper, work: join(directory, 'srv/work'), target: join(directory, 'srv/merged') };
  yield mountHere({ ...mount, readOnly: false, parameters: [], userNamespace: false, userXattr: false });
  yield inOrder([unmountStep(mount.target, false)]);
  const layers = { stack: stackOfDirectories(`${upper}:${lower}`, 'trusted'), whiteouts: 'overlay' as const };
  const save = (): Promise<void> => Promise.resolve();
  yield pack({ ...layers, output: 'layer.tar' }, save);
  yield pack({ ...layers, output: '-', directory: join(directory, 'srv/layer') }, save);
}

function* namespaces(): Generator<Procedure<unknown>> {
  yield keepNamespaceStep(4711, 'net', '/run/ns/web', { isThere: false, held: '/proc/4711/ns/net' });
  yield releaseNamespaceStep('/run/ns/web');
  yield denyGroups(4711);
  yield inOrder([groupStep()]);
  yield lendTerminal(4711);
}

function* roots(directory: string): Generator<Procedure<unknown>> {
  const tree = { directory: join(directory, 'srv/root') };
  mkdirSync(join(tree.directory, 'usr'), { recursive: true });
  yield runInRoot({ way: 'chroot', root: tree, proc: true, args: ['sh'], env: [] });
  yield tryOut('pivot', tree);
  yield setPropagation('/', 'private', { recursive: true, pid: 1 });
}

function* capabilities(directory: string): Generator<Procedure<unknown>> {
  yield inOrder(prepare({ securebits: ['noroot'], drop: capabilityMask(['CAP_SYS_ADMIN']) }, root).steps);
  yield probe('/usr/bin/ping', []);
  const file = join(directory, 'usr/local/bin/server');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  const give = (): Procedure => setFile(file, { effective: true, permitted: capabilityMask(['CAP_NET_BIND_SERVICE']), inheritable: 0n });
  yield give();
  take(give());
  yield removeFile(file);
}

const ids = { real: 0, effective: 0, saved: 0 };
const all = (1n << 41n) - 1n;
const root: Credentials = {
  uids: ids,
  gids: ids,
  groups: [],
  sets: { bounding: all, permitted: all, effective: all, inheritable: 0n, ambient: 0n },
  securebits: 0,
  noNewPrivileges: false,
  root: 0,
};

/** The network namespace that this process is in now: what reads while it explains reads this one. */
function ownNetwork(): NetworkNamespace {
  const path = '/proc/thread-self/ns/net';
  const held = holdNamespace(path);
  if (typeof held === 'number') throw new Error(`${path} cannot be opened: error ${-held}`);
  return { inode: held.inode, own: true, names: [], container: undefined, pids: [], files: [], path, held, label: 'host' };
}

/** In a namespace that is not there: explained, a probe only names it. */
function probeOf(lab: NetworkNamespace): Procedure<unknown> {
  const place = { namespace: lab, fd: new Unknown('NETNS'), netfilter: new NetlinkSocket('NETLINK_NETFILTER', new Unknown('netlink')) };
  const scene = { place, links: [], addresses: [], routes: [] } as unknown as Scene;
  const packet = { protocol: 'tcp' as const, source: '10.0.0.3', destination: '10.0.0.2', sourcePort: 61234, destinationPort: 80, mark: 0x68616b6f };
  return sendProbe({ packet, from: scene, watched: [scene], timeout: 1000 });
}

function* network(): Generator<Procedure<unknown>> {
  const here = ownNetwork();
  const lab: NetworkNamespace = { ...here, own: false, names: ['lab'], path: '/run/netns/lab', label: 'lab' };
  yield addNamed('lab', []);
  const address = { address: '10.0.0.1', prefix: 24 };
  const route = { destination: 'default', gateway: '10.0.0.254' };
  const masquerade = { subnet: parseSubnet('10.0.0.0/24') };
  for (const work of [
    (site) => makeVeth(site, 'cable0', { name: 'cable1' }),
    (site) => plug(site, 'cable0', 'br0'),
    (site) => giveAddress(site, 'cable1', address),
    (site) => setMtu(site, 'cable1', 1400),
    (site) => switchLink(site, 'cable1', true),
    (site) => changeRoute(site, route, 'add'),
    (site) => setForwarding(site, true),
    (site) => addMasquerade(site, masquerade),
  ] satisfies Parameters<typeof at>[1][])
    yield at(here, work);
  yield runInNamespace(lab, ['ip', 'address'], []);
  yield probeOf(lab);
  take(at(here, (site) => addMasquerade(site, masquerade)));
  for (const work of [
    (site) => removeMasquerade(site, masquerade),
    (site) => changeRoute(site, route, 'delete'),
    (site) => switchLink(site, 'cable1', false),
    (site) => takeAddress(site, 'cable1', address),
    (site) => unplug(site, 'cable0'),
    (site) => removeLink(site, 'cable0'),
  ] satisfies Parameters<typeof at>[1][])
    yield at(here, work);
  yield removeNamed('lab', [lab]);
}

function* inOrder(steps: readonly Step[]): Procedure {
  for (const one of steps) yield* step(one);
}

/** Makes the calls of a procedure that none has to wait for. */
function take(procedure: Procedure): void {
  const values = new Map<Call, number>();
  for (let next = procedure.next(); !next.done; next = procedure.next())
    for (const c of next.value.calls) {
      const value = perform(c, ({ of }) => values.get(of)!);
      if (typeof value !== 'number' || value < 0) throw new Error(`${next.value.id}: ${c.name} failed`);
      values.set(c, value);
    }
}
