/** Network namespaces drawn as a tree: interfaces with what they are plugged into, bridges with their ports, addresses, routes, NAT. */
import type { InterfaceView, NamespaceView, RouteView } from './view.ts';

/** How a part of a line is painted; absent: no colour. */
export type Paint = (style: 'bold' | 'dim' | 'green' | 'red' | 'cyan', text: string) => string;

interface Node {
  readonly text: string;
  readonly children: readonly Node[];
}

const leaf = (text: string): Node => ({ text, children: [] });

/** The tree of some namespaces, each line ended. */
export function treeText(views: readonly NamespaceView[], paint: Paint = (_, text) => text): string {
  return views.map((view) => draw(namespaceNode(view, paint))).join('\n');
}

function draw(node: Node, first = '', rest = ''): string {
  const lines = node.children.map((child, i) =>
    i === node.children.length - 1 ? draw(child, `${rest}└─ `, `${rest}   `) : draw(child, `${rest}├─ `, `${rest}│  `),
  );
  return `${first}${node.text}\n${lines.join('')}`;
}

function namespaceNode(view: NamespaceView, paint: Paint): Node {
  const plugged = (bridge: string): InterfaceView[] => view.interfaces.filter((i) => i.bridge === bridge);
  const free = view.interfaces.filter((i) => i.bridge === undefined);
  const nodes = free.map((i): Node => {
    const ports = i.kind === 'bridge' ? plugged(i.name).map((port) => leaf(interfaceText(port, paint))) : [];
    return { text: interfaceText(i, paint), children: ports };
  });
  if (view.routes.length) nodes.push({ text: paint('dim', 'routes'), children: view.routes.map((r) => leaf(routeText(r))) });
  const nat = view.chains.filter((c) => c.type === 'nat').flatMap((c) => c.rules.filter((r) => /masquerade|snat to/.test(r)).map((r) => `${c.chain}: ${r}`));
  if (nat.length) nodes.push({ text: paint('dim', 'address translation'), children: nat.map(leaf) });
  if (view.published.length) nodes.push({ text: paint('dim', 'published ports'), children: view.published.map(leaf) });
  if (view.filterUnread !== undefined) nodes.push(leaf(paint('red', view.filterUnread)));
  const drops = view.chains.filter((c) => c.policy === 'drop').map((c) => leaf(`${c.chain}: drops what no rule accepts (${c.hook})`));
  if (drops.length) nodes.push({ text: paint('red', 'closed by policy'), children: drops });
  return { text: `${paint('bold', view.name)}  ${paint('dim', keptBy(view))}`, children: nodes };
}

/** What keeps the namespace, and whether it forwards. */
function keptBy(view: NamespaceView): string {
  const parts = [
    view.container !== undefined && 'container',
    view.names.length > 0 && `named ${view.names.join(', ')}`,
    view.pids.length > 0 && `${view.pids.length} process${view.pids.length === 1 ? '' : 'es'}`,
    view.files.length > 0 && view.pids.length === 0 && view.names.length === 0 && `held by ${view.files[0]}`,
    view.forwarding && 'forwards packets',
    `net:[${view.inode}]`,
  ];
  return parts.filter(Boolean).join(', ');
}

function interfaceText(i: InterfaceView, paint: Paint): string {
  const state = !i.up ? paint('red', 'down') : i.carrier || i.kind === 'bridge' ? paint('green', 'up') : paint('red', 'up, but nothing at the other end');
  const peer = i.peer && `⇄ ${paint('cyan', i.peer.interface)} in ${paint('cyan', i.peer.namespace)}`;
  const part = i.partOf === undefined ? undefined : `part of ${i.partOf}`;
  return [i.name, i.kind && paint('dim', i.kind), state, ...i.addresses, part, peer].filter(Boolean).join('  ');
}

function routeText(r: RouteView): string {
  return [
    r.type === 'unicast' ? '' : r.type,
    r.destination,
    r.gateway === undefined ? '' : `via ${r.gateway}`,
    r.interface === undefined ? '' : `by ${r.interface}`,
    r.source === undefined ? '' : `from ${r.source}`,
    r.metric ? `metric ${r.metric}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}
