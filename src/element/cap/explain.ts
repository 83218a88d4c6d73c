/** `hako cap list` and `hako cap explain`: what capabilities allow, in both languages, and whether this process has them. */
import { capabilityNames, capabilityNumber, lastCapability } from '../../kernel/capability.ts';
import { capabilityMeanings, type CapabilityName } from '../../kernel/capability-meaning.ts';
import { defaultCapabilities } from '../../runtime/capabilities.ts';
import { readCredentials } from './credentials.ts';
import { paragraphsEn } from './paragraphs-en.ts';
import { paragraphsJa } from './paragraphs-ja.ts';
import { nameOf } from './text.ts';

export type Language = 'en' | 'ja';

/** A capability, explained. */
export interface ExplainedCapability {
  readonly name: string;
  readonly number: number;
  /** Whether the running kernel has it. */
  readonly known: boolean;
  /** In a phrase: what it lets a process do. */
  readonly allows: string;
  /** In a paragraph: that, what fails without it, how far it goes. */
  readonly text: string;
  /** Whether a container gets it when nothing is said. */
  readonly containers: boolean;
  /** Whether it is in force for this process, and whether it can be had at all. */
  readonly effective: boolean;
  readonly bounding: boolean;
}

/** Explains capabilities; all of them when none is named. @throws ElementError for a name that no kernel has */
export function explainCapabilities(names: readonly string[], language: Language): ExplainedCapability[] {
  const { sets } = readCredentials(process.pid);
  const wanted = names.length ? names.map(nameOf) : capabilityNames;
  return (wanted as readonly CapabilityName[]).map((name) => {
    const number = capabilityNumber(name)!;
    const has = (set: bigint): boolean => ((set >> BigInt(number)) & 1n) === 1n;
    return {
      name,
      number,
      known: number <= lastCapability(),
      allows: capabilityMeanings[name][language],
      text: { en: paragraphsEn, ja: paragraphsJa }[language][name],
      containers: defaultCapabilities.includes(name),
      effective: has(sets.effective),
      bounding: has(sets.bounding),
    };
  });
}
