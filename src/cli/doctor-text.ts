/** The text of `hako doctor`: a line a check, and beneath it why not and what helps. */
import type { Check } from '../element/doctor/check.ts';
import { displayWidth } from './columns.ts';
import type { Painter } from './paint.ts';
import { wrapProse } from './prose.ts';

/** The same check, in one language: what `--format json` gives. */
export interface SpokenCheck extends Omit<Check, 'name' | 'found' | 'reason' | 'remedy'> {
  readonly name: string;
  readonly found: string;
  readonly reason?: string;
  readonly remedy?: string;
}

/** Takes one language's texts. */
export const spoken = ({ name, found, reason, remedy, ...rest }: Check, language: 'en' | 'ja'): SpokenCheck => ({
  ...rest,
  name: name[language],
  found: found[language],
  ...(reason && { reason: reason[language] }),
  ...(remedy && { remedy: remedy[language] }),
});

const words = {
  en: {
    ok: 'ok',
    limited: 'limited',
    missing: 'missing',
    read: 'read only',
    reason: 'why',
    remedy: 'do',
    essential: 'essential',
    all: 'Everything essential is there.',
    not: 'Essential, and missing: ',
  },
  ja: {
    ok: '可',
    limited: '一部',
    missing: '不可',
    read: '読んだだけ',
    reason: '理由',
    remedy: '対処',
    essential: '必須',
    all: '必須のものはそろっています。',
    not: '必須なのに欠けているもの: ',
  },
} as const;
const colours = { ok: 'green', limited: 'yellow', missing: 'red' } as const;
const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)));

/** Those without which containers can't be run, and which are missing. */
export const lacking = (checks: readonly SpokenCheck[]): SpokenCheck[] => checks.filter(({ essential, status }) => essential && status === 'missing');

/** @param width columns of the terminal */
export function doctorText(checks: readonly SpokenCheck[], language: 'en' | 'ja', width: number, paint: Painter): string {
  const say = words[language];
  const first = Math.max(...(['ok', 'limited', 'missing'] as const).map((status) => displayWidth(say[status]))) + 2;
  const second = Math.max(...checks.map(({ name }) => displayWidth(name))) + 2;
  const indent = ' '.repeat(first + second);
  const lines = checks.flatMap(({ status, name, how, found, reason, remedy, essential }) => {
    const told = `${found}${how === 'read' ? ` (${say.read})` : ''}${essential && status === 'missing' ? ` (${say.essential})` : ''}`;
    const [head = '', ...more] = wrapProse(told, width - indent.length);
    const note = (word: string, text: string | undefined): string[] => {
      const label = `${word}: `;
      const lead = displayWidth(label);
      return text === undefined
        ? []
        : wrapProse(text, width - first - lead).map((line, i) => ' '.repeat(first) + (i ? ' '.repeat(lead) : paint('dim', label)) + line);
    };
    return [
      paint(colours[status], pad(say[status], first)) + pad(name, second) + head,
      ...more.map((line) => indent + line),
      ...note(say.reason, reason),
      ...note(say.remedy, remedy),
    ];
  });
  const missing = lacking(checks).map(({ name }) => name);
  return [...lines, '', ...wrapProse(missing.length ? say.not + missing.join(', ') : say.all, width), ''].join('\n');
}
