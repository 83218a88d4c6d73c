/** The lists of `hako net ls`: namespaces, links, bridges, veth pairs, addresses, routes, address translation, published ports. */
import type { NetworkNamespace } from './namespaces.ts';
import { masqueradesOf } from './nat.ts';
import type { Scene, Snapshot } from './snapshot.ts';
import { interfaceView, publishedOf, routesOf, rulesetOf, type InterfaceView } from './view.ts';

export const kinds = ['namespaces', 'links', 'bridges', 'veth', 'addresses', 'routes', 'nat', 'ports'] as const;
export type Kind = (typeof kinds)[number];

/** Rows of text by column; the first column is what `--quiet` prints. */
export interface List {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** One kind of thing in all namespaces, or in one. */
export function listOf(kind: Kind, snapshot: Snapshot, only?: NetworkNamespace): List {
  const scenes = snapshot.scenes.filter((s) => !only || s.place.namespace.inode === only.inode);
  const rows = (columns: readonly string[], of: (scene: Scene) => readonly (readonly string[])[]): List => ({
    columns,
    rows: scenes.flatMap((s) => of(s).map((cells) => Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ''])))),
  });
  const links = (scene: Scene): InterfaceView[] => scene.links.map((link) => interfaceView(snapshot, { scene, link }));
  const where = (scene: Scene): string => scene.place.namespace.label;
  switch (kind) {
    case 'namespaces':
      return rows(['Name', 'Kind', 'Pid', 'Processes', 'Interfaces', 'Inode'], (s) => {
        const { namespace: n } = s.place;
        const names = s.links.map((l) => l.name);
        return [
          [
            n.label,
            kindOf(n),
            String(n.pids[0] ?? ''),
            String(n.pids.length),
            names.length > 5 ? `${names.slice(0, 5).join(',')},…` : names.join(','),
            String(n.inode),
          ],
        ];
      });
    case 'links':
      return rows(['Name', 'Namespace', 'Kind', 'State', 'Bridge', 'Peer', 'Mtu', 'Mac'], (s) =>
        links(s).map((i) => [i.name, where(s), i.kind, stateOf(i), i.bridge ?? '', peerText(i), String(i.mtu), i.mac]),
      );
    case 'bridges':
      return rows(['Name', 'Namespace', 'State', 'Addresses', 'Ports'], (s) =>
        links(s)
          .filter((i) => i.kind === 'bridge')
          .map((i) => [
            i.name,
            where(s),
            stateOf(i),
            i.addresses.join(','),
            links(s)
              .filter((port) => port.bridge === i.name)
              .map((port) => port.name)
              .join(','),
          ]),
      );
    case 'veth':
      return rows(['Name', 'Namespace', 'State', 'Peer', 'Bridge', 'Addresses'], (s) =>
        links(s)
          .filter((i) => i.kind === 'veth')
          .map((i) => [i.name, where(s), stateOf(i), peerText(i), i.bridge ?? '', i.addresses.join(',')]),
      );
    case 'addresses':
      return rows(['Address', 'Namespace', 'Interface'], (s) => links(s).flatMap((i) => i.addresses.map((a) => [a, where(s), i.name])));
    case 'routes':
      return rows(['Destination', 'Namespace', 'Gateway', 'Interface', 'Source', 'Type'], (s) =>
        routesOf(s).map((r) => [r.destination, where(s), r.gateway ?? '', r.interface ?? '', r.source ?? '', r.type]),
      );
    case 'nat':
      return rows(['Subnet', 'Namespace', 'Out'], (s) => masqueradesOf(rulesetOf(s)).map((m) => [m.split(' ')[0]!, where(s), m.split(' ')[1] ?? '']));
    default: // ports
      return rows(['Published', 'Namespace', 'Table'], (s) => {
        const ruleset = rulesetOf(s);
        return ruleset.tables.flatMap((t) => publishedOf(ruleset, t.name).map((p) => [p, where(s), `${t.family} ${t.name}`]));
      });
  }
}

const kindOf = (n: NetworkNamespace): string =>
  n.own ? 'own' : n.container !== undefined ? 'container' : n.names.length ? 'named' : n.pids.length ? 'anonymous' : 'held by a descriptor';
const stateOf = (i: InterfaceView): string => (!i.up ? 'down' : i.carrier ? 'up' : 'no carrier');
const peerText = (i: InterfaceView): string => (i.peer ? `${i.peer.namespace}:${i.peer.interface}` : '');
