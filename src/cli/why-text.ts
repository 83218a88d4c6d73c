/** The report of `hako why` on a terminal: the verdict first, then what it rests on, and what would let the call through. */
import type { Gate, Refusal, WhyReport } from '../api/schema.ts';
import type { Language } from '../manual/page.ts';
import { displayWidth } from './columns.ts';
import type { Painter, TextOptions } from './paint.ts';
import { wrapProse } from './prose.ts';
import { printable } from './terminal-text.ts';
import { english } from './why-words.ts';
import { japanese } from './why-words-ja.ts';

/** What is said of a kind of gatekeeper. */
export interface GateWords {
  /** Its name: `the seccomp filter`. */
  readonly name: string;
  /** The heading, where nobody refused: what was asked for is not there. */
  readonly title?: string;
  /** A sentence: who refused, by what rule. */
  verdict(facts: Gate['facts']): string;
  /** What to do, and what that opens up. */
  advice(facts: Gate['facts']): string;
}

/** A language of the report. */
export interface WhyWords {
  readonly gates: Readonly<Record<Gate['kind'], GateWords>>;
  readonly refused: string;
  readonly likely: string;
  readonly evidence: string;
  readonly doing: string;
  readonly option: string;
  readonly also: string;
  readonly counters: string;
  readonly said: string;
  succeeded(refusals: number): string;
  survived(refusals: number): string;
  failed(code: string, refusals: number): string;
  interrupted(container: string): string;
  others(count: number): string;
  more(count: number): string;
  traced(calls: number, processes: number, exit: string): string;
  times(count: number): string;
  readonly order: string;
  readonly all: string;
}

const languages: Readonly<Record<Language, WhyWords>> = { en: english, ja: japanese };

export interface WhyTextOptions extends TextOptions {
  readonly container: string;
  /** Every refusal, not only the decisive one. */
  readonly all: boolean;
  readonly language: Language;
}

/** The report as text. */
export function whyText(report: WhyReport, options: WhyTextOptions): string {
  const words = languages[options.language];
  const { paint } = options;
  const { decisive, refusals } = report;
  const lines: string[] = [];
  const exit = report.signal ?? String(report.exitCode ?? '?');
  // Of a command that went well, only what is no everyday question.
  const notable = refusals.filter((refusal) => !refusal.ordinary);

  if (decisive) lines.push(...refusalLines(decisive, words, options));
  else if (report.outcome === 'succeeded') lines.push(...prose(paint('bold', words.succeeded(notable.length)), '', options.width));
  else if (report.outcome === 'interrupted') lines.push(...prose(paint('bold', words.interrupted(options.container)), '', options.width));
  else lines.push(...prose(paint('bold', words.failed(exit, refusals.length)), '', options.width));

  if (!decisive && report.said.length > 0 && report.outcome === 'failed')
    lines.push('', heading(words.said, paint), ...report.said.map((line) => `  ${printable(line)}`));
  if (report.counters.length > 0)
    lines.push('', heading(words.counters, paint), ...report.counters.map((c) => `  ${c.name}: ${c.before} -> ${c.after}  ${paint('dim', c.file)}`));

  const rest = (options.all ? refusals : notable).filter((refusal) => !decisive || !isSame(refusal, decisive));
  if (options.all || (report.outcome === 'succeeded' && rest.length > 0)) {
    if (rest.length > 0) lines.push('', heading(report.outcome === 'succeeded' ? words.survived(rest.length) : words.others(rest.length), paint));
    for (const refusal of rest) lines.push(...shortLines(refusal, words, options));
    if (report.more > 0) lines.push(`  ${words.more(report.more)}`);
  } else if (rest.length > 0 || refusals.length > notable.length) {
    const hidden = refusals.length - (decisive ? 1 : 0);
    if (hidden > 0) lines.push('', ...prose(`${words.others(hidden)} ${words.all}`, '', options.width).map((line) => paint('dim', line)));
  }
  lines.push('', ...prose(words.traced(report.traced.calls, report.traced.processes, exit), '', options.width).map((line) => paint('dim', line)));
  return `${lines.join('\n')}\n`;
}

const heading = (text: string, paint: Painter): string => paint('bold', text);

const isSame = (a: Refusal, b: Refusal): boolean => a.text === b.text && a.error === b.error && a.program === b.program;

const prose = (text: string, indent: string, width: number): string[] => wrapProse(text, width - displayWidth(indent)).map((line) => indent + line);

const callLine = ({ text, call, error, man, pid, program, count }: Refusal, words: WhyWords, paint: Painter): string =>
  `${printable(call === 'signal' ? text : `${text} = ${error}`)}${count > 1 ? ` ${words.times(count)}` : ''}  ${paint('dim', `${man}, ${printable(program)} (${pid})`)}`;

/** A refusal with all that is known of it. */
function refusalLines(refusal: Refusal, words: WhyWords, options: WhyTextOptions): string[] {
  const { paint, width } = options;
  const [first, ...others] = refusal.gates;
  const lines = [callLine(refusal, words, paint)];
  if (!first) return lines;
  const about = words.gates[first.kind];
  lines.unshift(
    ...prose(`${about.title ?? `${words.refused}${about.name}`}${first.certain || first.kind === 'unknown' ? '' : ` ${words.likely}`}`, '', width).map((line) =>
      paint('bold', paint('red', line)),
    ),
    ...prose(about.verdict(first.facts), '  ', width),
    '',
  );
  if (first.evidence.length > 0) lines.push('', heading(words.evidence, paint), ...first.evidence.flatMap((line) => hanging(line, width)));
  lines.push('', heading(words.doing, paint), ...prose(about.advice(first.facts), '  ', width));
  if (first.option) lines.push(`  ${words.option} ${paint('cyan', `hako run ${first.option}`)}`);
  for (const [i, gate] of others.entries()) {
    const next = words.gates[gate.kind];
    lines.push(
      '',
      ...prose(`${words.also} ${i + 2}. ${next.name}`, '', width).map((line) => paint('bold', line)),
      ...prose(next.verdict(gate.facts), '  ', width),
    );
    lines.push(...gate.evidence.flatMap((line) => hanging(line, width)).map((line) => paint('dim', line)));
    if (gate.option) lines.push(`  ${words.option} ${paint('cyan', `hako run ${gate.option}`)}`);
  }
  if (others.length > 0) lines.push('', ...prose(words.order, '', width));
  return lines;
}

/** Evidence: a bullet, with what follows below it. */
function hanging(text: string, width: number): string[] {
  return wrapProse(text, width - 4).map((line, i) => (i === 0 ? `  - ${line}` : `    ${line}`));
}

/** A refusal in two lines. */
function shortLines(refusal: Refusal, words: WhyWords, { paint, width }: WhyTextOptions): string[] {
  const gate = refusal.gates[0];
  return [`  ${callLine(refusal, words, paint)}`, ...(gate ? prose(words.gates[gate.kind].verdict(gate.facts), '    ', width) : [])];
}
