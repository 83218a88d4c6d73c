/** `hako root compare`: chroot and pivot_root side by side, each tried out, with the way out that one of them leaves. */
import type { RootFinding } from '../../element/root/compare.ts';
import { tryOut } from '../../element/root/compare.ts';
import type { Explanation } from '../../element/interpret.ts';
import { explained } from '../../element/interpret.ts';
import { defineCommand } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { printSteps } from '../explain.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';
import { wrapProse } from '../prose.ts';
import { rootHelp, withRoot } from '../root-target.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] ROOT'],
  description: `Takes ROOT as the root by each of the two, in a short-lived child, and tries the classic way out: chroot below the working\ndirectory, go up, chroot there. ${rootHelp}`,
  count: [1, 1],
  completes: ['image'],
  flags: { format: streamFormatFlag, explain: explainFlag },
  async run({ flags, args: [name = ''] }) {
    const ways = ['chroot', 'pivot'] as const;
    await withRoot(name, flags.explain === undefined, async (root) => {
      if (flags.explain !== undefined) {
        printSteps(
          flags.explain,
          ways.flatMap((way): Explanation[] => explained(tryOut(way, root))),
        );
        return;
      }
      const findings: RootFinding[] = [];
      for (const way of ways) findings.push((await take(tryOut(way, root), undefined))!);
      process.stdout.write(flags.format ? await formatObjects(findings, flags.format) : text(findings));
    });
  },
});

const facts = {
  chroot: {
    title: 'chroot(2)',
    lines: [
      'changes  where this process, and what it starts, begins to look up /',
      "leaves   every mount of the host in the mount namespace; only the names don't reach them",
      'needs    CAP_SYS_CHROOT, and a directory',
    ],
  },
  pivot: {
    title: 'pivot_root(2)',
    lines: [
      'changes  the root of the mount namespace, for every process in it',
      'leaves   nothing: the old root is unmounted, and no path or .. leads to it',
      'needs    CAP_SYS_ADMIN, a mount namespace of its own, and a mount point',
    ],
  },
} as const;

function text(findings: readonly RootFinding[]): string {
  return findings
    .map((finding) => {
      const { title, lines } = facts[finding.way];
      return [title, ...[...lines, `tried    ${verdict(finding)}`].flatMap((line) => wrapLine(line))].join('\n');
    })
    .join('\n\n')
    .concat('\n');
}

function wrapLine(line: string): string[] {
  return wrapProse(line.slice(9), 68).map((part, i) => `  ${i ? '         ' : line.slice(0, 9)}${part}`);
}

function verdict({ refused, escaped, stopped }: RootFinding): string {
  if (refused) return `it could not be taken here: ${refused}`;
  if (escaped) return 'chroot below the working directory, 64 times `cd ..`, chroot: its / is the root of the host again';
  return stopped ? `the same way out is refused: ${stopped}` : 'the same way out leads nowhere: .. of / is /, and its / is still the new root';
}
