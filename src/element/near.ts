/** What may have been meant by a name that nothing has. */

/** The names that are like a word, the likest first, at most five: a part of them begins with it, or a few letters tell them apart. */
export function nearNames(asked: string, names: readonly string[]): string[] {
  const word = asked.toLowerCase();
  if (word.length < 2) return [];
  const last = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
  const score = (name: string): number => {
    if (name.startsWith(word) || name.includes(`.${word}`) || name.includes(`_${word}`)) return 1;
    if (last(name) === last(word)) return 2;
    const distance = Math.min(editDistance(name, word), editDistance(last(name), word) + 1);
    return distance <= Math.max(1, Math.floor(word.length / 4)) ? 2 + distance : Infinity;
  };
  return names
    .map((name) => ({ name, score: score(name.toLowerCase()) }))
    .filter((one) => one.score < Infinity)
    .toSorted((a, b) => a.score - b.score)
    .slice(0, 5)
    .map(({ name }) => name);
}

/** Letters to insert, delete or replace, or neighbours to exchange (the optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Infinity;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, change, exchange));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}
