/** The flag `--format`, which many commands have. */
import { UsageError, type Flag } from './command.ts';

/** Of commands that print lists. */
export const listFormatFlag = {
  kind: 'string',
  help: "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template",
} as const satisfies Flag;

/** Of commands that print objects as they come. */
export const streamFormatFlag = {
  kind: 'string',
  help: "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template",
} as const satisfies Flag;

/** Of commands that print single objects. */
export const objectFormatFlag = { ...streamFormatFlag, short: 'f' } as const satisfies Flag;

/** Of commands whose other form is for people, and has no fields that a template could name. */
export const jsonFormatFlag = { kind: 'string', help: "'json' prints one JSON object", completes: ['json'] } as const satisfies Flag;

/** Whether {@link jsonFormatFlag} asks for JSON. @throws UsageError for any other format: a program that asks for it would read text */
export function asksForJson(format: string | undefined): boolean {
  if (format === undefined || format === 'json') return format === 'json';
  throw new UsageError(`invalid argument "${format}" for "--format" flag: it must be json`);
}
