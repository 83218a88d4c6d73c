/** A packet's way as text: one line a hop, grouped by namespace, and the end of it. */
import type { Paint } from './tree.ts';
import type { Hop, Way } from './hop.ts';

const labels: Readonly<Record<Hop['kind'], string>> = {
  send: 'sends',
  route: 'route',
  filter: 'filter',
  translate: 'rewrites',
  leave: 'leaves',
  arrive: 'arrives',
  forward: 'forwards',
  deliver: 'delivers',
  note: 'note',
};
const width = 10;

/** The lines of the hops; `mark` puts something in front of each. */
export function hopLines<H extends Hop>(hops: readonly H[], paint: Paint, mark: (hop: H) => string = () => ''): string {
  let namespace: number | undefined;
  return hops
    .map((hop) => {
      const title = hop.inode === namespace ? '' : `${paint('bold', hop.namespace)}\n`;
      namespace = hop.inode;
      return `${title}  ${mark(hop)}${paint('dim', labels[hop.kind].padEnd(width))}${hop.text}\n`;
    })
    .join('');
}

/** The whole way. */
export function wayText(way: Way, paint: Paint = (_, text) => text): string {
  return `${hopLines(way.hops, paint)}${endText(way, paint)}`;
}

/** How it ends: with a mark, the reason, and the remedy if there is one. */
function endText(way: Pick<Way, 'outcome' | 'reason' | 'remedy'>, paint: Paint): string {
  const mark = way.outcome === 'stopped' ? paint('red', '✗ stops here:') : way.outcome === 'left' ? paint('cyan', '→ goes on:') : paint('green', '✓');
  return `${mark} ${way.reason}\n${way.remedy === undefined ? '' : `  remedy: ${way.remedy}\n`}`;
}
