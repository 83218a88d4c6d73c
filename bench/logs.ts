/** Writing 200 MB of 50-byte lines to a container's log, and reading them back, beside the same pipe into a file. */
import { join } from 'node:path';
import type { TestEngine } from '../test/support/engine.ts';
import { succeed } from './hakobune.ts';
import { measure, printTable } from './rounds.ts';

const lines = `yes 0123456789012345678901234567890123456789012345678 | head -c 200000000`;

export async function measureLogs(engine: TestEngine, work: string, rounds: number): Promise<void> {
  const name = 'bench-logs';
  const file = join(work, 'lines');
  const write = async (): Promise<void> => {
    await engine.hako(['rm', '-f', name]);
    await engine.must('run', '-d', '--name', name, '--network', 'none', '--log-opt', 'max-size=1g', 'base', 'sh', '-c', lines);
    await engine.must('wait', name);
  };
  const written = await measure(
    [
      { name: 'hako', once: write },
      { name: 'a pipe into a file', once: () => succeed('sh', ['-c', `${lines} | cat >'${file}'`]) },
    ],
    rounds,
  );
  printTable('200 MB of 50-byte lines: write', written, 'hako');

  const read = async (): Promise<void> => {
    let size = 0;
    for await (const chunk of await engine.api.open('GET', `/containers/${name}/logs?stdout=1&stderr=1`)) size += (chunk as Buffer).length;
    if (size < 200e6) throw new Error(`the log has only ${size} bytes`);
  };
  printTable(
    '200 MB of 50-byte lines: read back',
    await measure(
      [
        { name: 'hako', once: read },
        { name: 'cat of a file', once: () => succeed('sh', ['-c', `cat '${file}' | wc -l`]) },
      ],
      rounds,
    ),
    'hako',
  );
  await engine.must('rm', name);
}
