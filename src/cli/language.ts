/** The language that a person is spoken to in: `--lang`, or what the environment says as POSIX has it. See locale(7). */
import type { Language } from '../manual/page.ts';
import { UsageError, type Flag } from './command.ts';

/** `--lang en|ja`. */
export const langFlag = {
  kind: 'string',
  placeholder: 'en|ja',
  help: 'Language of the text (default from LC_ALL, LC_MESSAGES or LANG, else English)',
  completes: ['en', 'ja'],
} as const satisfies Flag;

/** @param asked the value of {@link langFlag} @throws UsageError */
export function languageOf(asked: string | undefined, env: Readonly<Record<string, string | undefined>> = process.env): Language {
  if (asked === 'en' || asked === 'ja') return asked;
  if (asked !== undefined) throw new UsageError(`invalid argument "${asked}" for "--lang" flag: it must be en or ja`);
  // The first that is set decides, also where it says C.
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  return /^ja(?![a-z])/i.test(locale) ? 'ja' : 'en';
}
