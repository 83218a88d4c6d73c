/** `hako cap list`: all capabilities, what each allows, and whether you have it. */
import { explainCapabilities, type ExplainedCapability } from '../../element/cap/explain.ts';
import { defineCommand } from '../command.ts';
import { listFormatFlag } from '../format-flag.ts';
import { langFlag, languageOf } from '../language.ts';
import { listText, type ListFormat } from '../list-output.ts';
import { wrapProse } from '../prose.ts';

const haveText = ({ effective, bounding }: ExplainedCapability): string => (effective ? 'yes' : bounding ? 'can' : 'no');

const format: ListFormat<ExplainedCapability> = {
  columns: {
    Number: { header: 'NO', value: ({ number }) => String(number) },
    Name: { header: 'CAPABILITY', value: ({ name }) => name },
    Have: { header: 'HAVE', value: haveText },
    Containers: { header: 'DEFAULT', value: ({ containers }) => (containers ? 'yes' : 'no') },
    Allows: { header: 'ALLOWS', value: ({ allows }) => allows },
    Text: { header: 'TEXT', value: ({ text }) => text },
  },
  table: ['Number', 'Name', 'Have', 'Containers', 'Allows'],
  quietColumn: 'Name',
};

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description:
    'HAVE: yes, it is in your effective set; can, only in your bounding set; no, in neither.\nDEFAULT: yes, a container has it when nothing is said.',
  count: [0, 0],
  flags: { format: listFormatFlag, lang: langFlag, quiet: { kind: 'bool', short: 'q', help: 'Only display names' } },
  async run({ flags }) {
    const all = explainCapabilities([], languageOf(flags.lang));
    const table = !flags.quiet && (flags.format === undefined || flags.format === 'table');
    process.stdout.write(table ? wrappedTable(all) : await listText(all, format, flags));
  },
});

/** Columns before the text. */
const left = 4 + 23 + 5 + 9;

/** The table for people: what a capability allows goes on in its own column. */
function wrappedTable(all: readonly ExplainedCapability[]): string {
  const width = Math.min(Math.max(process.stdout.columns || 80, 80), 120) - left;
  const lines = all.flatMap((capability) => {
    const { number, name, containers, allows } = capability;
    const head = `${String(number).padStart(2)}  ${name.padEnd(23)}${haveText(capability).padEnd(5)}${(containers ? 'yes' : 'no').padEnd(9)}`;
    return wrapProse(allows, width).map((line, i) => `${i ? ' '.repeat(left) : head}${line}`);
  });
  return `${'NO'.padEnd(4)}${'CAPABILITY'.padEnd(23)}${'HAVE'.padEnd(5)}${'DEFAULT'.padEnd(9)}ALLOWS\n${lines.join('\n')}\n`;
}
