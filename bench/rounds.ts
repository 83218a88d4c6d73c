/** Measuring side by side: contenders take turns in a new random order every round, so that a drift of the machine hits all alike. */

/** One way to do the work that is measured. */
export interface Contender {
  readonly name: string;
  /** Does it once. */
  once(): Promise<unknown>;
}

/** Contender's name, and its milliseconds. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** Lets each contender work once to warm up, then `rounds` times. */
export async function measure(contenders: readonly Contender[], rounds: number): Promise<Samples> {
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (const contender of contenders) await contender.once();
  for (let round = 0; round < rounds; round++) {
    for (const contender of shuffled(contenders)) {
      const begun = performance.now();
      await contender.once();
      samples.get(contender.name)!.push(performance.now() - begun);
    }
  }
  return samples;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** The value below which a share of the samples lies, by the nearest rank. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Prints milliseconds as a Markdown table, the fastest first; the last column is the median as a multiple of the reference's. */
export function printTable(title: string, samples: Samples, reference: string): void {
  const rows = [...samples].map(([name, times]) => ({ name, median: quantile(times, 0.5), p95: quantile(times, 0.95), least: Math.min(...times) }));
  const base = rows.find(({ name }) => name === reference)?.median ?? Number.NaN;
  console.log(`\n### ${title}\n\n| | median ms | p95 | min | × ${reference} |\n|---|---|---|---|---|`);
  for (const { name, median, p95, least } of rows.toSorted((a, b) => a.median - b.median)) {
    console.log(`| ${name} | ${median.toFixed(1)} | ${p95.toFixed(1)} | ${least.toFixed(1)} | ${(median / base).toFixed(2)} |`);
  }
}

/** Prints rates as a Markdown table, the highest first. */
export function printRates(title: string, unit: string, rates: readonly (readonly [name: string, rate: number])[], reference: string): void {
  const base = rates.find(([name]) => name === reference)?.[1] ?? Number.NaN;
  console.log(`\n### ${title}\n\n| | ${unit} | × ${reference} |\n|---|---|---|`);
  for (const [name, rate] of rates.toSorted((a, b) => b[1] - a[1])) console.log(`| ${name} | ${rate.toFixed(1)} | ${(rate / base).toFixed(2)} |`);
}

/** How many times a second a contender does its work, so many at a time. */
export async function ratePerSecond(contender: Contender, total: number, atATime: number): Promise<number> {
  let left = total;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await contender.once();
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: atATime }, worker));
  return (total / (performance.now() - begun)) * 1000;
}
