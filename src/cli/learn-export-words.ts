/** What `hako learn export` says while it runs, in both languages. */
import type { Language } from '../course/lesson.ts';

const en = {
  done: 'done both ways',
  unmet: 'not all conditions held',
  failed: 'could not be run',
  impossible: 'not on this machine',
  ending: 'ending: the lab of the book is stopped, and nothing is written',
  withoutHint: 'A book without outputs needs no lab: hako learn export --without-outputs',
  summary: (all: number, impossible: number, broken: number) =>
    [
      `${all} ${all === 1 ? 'exercise' : 'exercises'}`,
      ...(impossible > 0 ? [`${impossible} not possible on this machine`] : []),
      ...(broken > 0 ? [`${broken} whose solution did not do all (their pages say so)`] : []),
    ].join(', '),
};

/** The same in the other language. */
export type ExportWords = typeof en;

const ja: ExportWords = {
  done: 'どちらのやり方でも完了',
  unmet: '条件がすべてはそろわなかった',
  failed: '実行できなかった',
  impossible: 'このマシンでは不可',
  ending: '終了中: 本のためのラボを止める。何も書き出さない',
  withoutHint: '出力なしの本ならラボは要らない: hako learn export --without-outputs',
  summary: (all, impossible, broken) =>
    [
      `演習 ${all} 問`,
      ...(impossible > 0 ? [`うち ${impossible} 問はこのマシンでは不可`] : []),
      ...(broken > 0 ? [`${broken} 問は解答ですべての条件がそろわなかった(各ページに記載)`] : []),
    ].join('、'),
};

/** What is said in a language. */
export const exportWords: Readonly<Record<Language, ExportWords>> = { en, ja };
