/** `hako doctor`: what this machine can do and cannot, each with the reason and a remedy; of this process's user, without the engine. */
import type { Check } from '../../element/doctor/check.ts';
import { defineCommand } from '../command.ts';
import { doctorText, lacking, spoken } from '../doctor-text.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';
import { langFlag, languageOf } from '../language.ts';
import { painter, textWidth } from '../paint.ts';

/** Without the addon there is no system call to try anything by. */
function withoutAddon(error: unknown): Check {
  const text = (error as Error).message.split('\n')[0]!;
  return {
    id: 'addon',
    name: { en: 'system calls', ja: 'システムコール' },
    status: 'missing',
    essential: true,
    how: 'tried',
    found: { en: 'their addon can not be loaded; nothing else could be tried', ja: 'アドオンを読み込めず、ほかは何も試せなかった' },
    reason: { en: text, ja: text },
    remedy: { en: 'npm run build, in the directory of hako', ja: 'hako のディレクトリーで npm run build' },
    facts: {},
  };
}

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description:
    'Tries what can be tried without harm, in short-lived processes and namespaces that go at once, and says "read only" of what it only read. Nothing is left behind. Exits with 0 where all that containers need is there, else 1. Of an ordinary user it tells what that user can do.',
  count: [0, 0],
  flags: { format: jsonFormatFlag, lang: langFlag },
  async run({ flags }) {
    const language = languageOf(flags.lang);
    const json = asksForJson(flags.format);
    // Loaded here, so that an addon that can't be loaded is an answer.
    const loaded = await import('../../element/doctor/report.ts').catch(withoutAddon);
    const checks = ('examine' in loaded ? await loaded.examine(process.env) : [loaded]).map((check) => spoken(check, language));
    const able = lacking(checks).length === 0;
    process.stdout.write(json ? `${JSON.stringify({ able, checks }, null, 2)}\n` : doctorText(checks, language, textWidth(), painter()));
    return able ? 0 : 1;
  },
});
