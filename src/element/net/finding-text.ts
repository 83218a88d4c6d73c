/** A probe's finding as text: the way with a mark at each hop where the packet was seen, what decided on it, and the end. */
import type { Finding, SeenHop } from './finding.ts';
import type { Paint } from './tree.ts';
import { hopLines } from './way-text.ts';

/** The whole finding. */
export function findingText(finding: Finding, paint: Paint = (_, text) => text): string {
  const mark = (hop: SeenHop): string => (hop.seen === undefined ? '  ' : hop.seen ? `${paint('green', '✓')} ` : `${paint('red', '✗')} `);
  const list = (title: string, lines: readonly string[]): string => (lines.length ? `${paint('dim', title)}\n${lines.map((l) => `  ${l}\n`).join('')}` : '');
  const good = finding.outcome === 'answered' || finding.outcome === 'arrived';
  const place = finding.at ? `${finding.at.namespace}${finding.at.interface === undefined ? '' : `, ${finding.at.interface}`}: ` : '';
  const heading = good
    ? paint('green', `✓ ${finding.outcome}`)
    : finding.outcome === 'left'
      ? paint('cyan', '→ left')
      : paint('red', finding.outcome === 'refused' ? '✗ refused' : '✗ lost');
  return [
    hopLines(finding.hops, paint, mark),
    list('decided by packet filters:', finding.decisions),
    list('seen off that way:', finding.elsewhere),
    `${heading} at ${place}${finding.reason}\n`,
    finding.remedy === undefined ? '' : `  remedy: ${finding.remedy}\n`,
  ].join('');
}
