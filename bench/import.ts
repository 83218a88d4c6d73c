/** Importing a real image of several gzip layers (scripts/real-images.sh), beside the least work that it can be: gunzip and tar. */
import { existsSync, globSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestEngine } from '../test/support/engine.ts';
import { findProgram } from '../test/support/needs.ts';
import { succeed } from './hakobune.ts';
import { measure, printTable, type Contender } from './rounds.ts';

/** Measures with the image that the tests have made; without it, says how to make it. */
export async function measureImport(engine: TestEngine, work: string, rounds: number): Promise<void> {
  const [layout] = globSync(`${process.env.HAKO_TEST_CACHE ?? '/var/cache/hako-test'}/*/oci`);
  if (!layout) {
    console.log('\n(import is left out: scripts/real-images.sh makes the image that it needs)');
    return;
  }
  const blobs = readdirSync(join(layout, 'blobs/sha256')).map((name) => join(layout, 'blobs/sha256', name));
  const size = blobs.reduce((total, path) => total + statSync(path).size, 0);
  const target = join(work, 'unpacked');

  const contenders: Contender[] = [
    {
      name: 'hako',
      async once() {
        await engine.must('image', 'import', layout, 'bench/import');
        await engine.must('rmi', 'bench/import');
      },
    },
    {
      name: 'gzip | tar, layer by layer',
      async once() {
        await mkdir(target, { recursive: true });
        for (const layer of await layers(layout)) await succeed('sh', ['-c', `gzip -dc '${layer}' | tar -xf - -C '${target}'`]);
        await rm(target, { recursive: true });
      },
    },
  ];
  if (findProgram('umoci')) {
    contenders.push({
      name: 'umoci unpack',
      async once() {
        await succeed('umoci', ['unpack', '--image', `${layout}:latest`, target]);
        await rm(target, { recursive: true });
      },
    });
  }
  printTable(`Import and removal of ${(size / 1e6).toFixed(0)} MB compressed`, await measure(contenders, rounds), 'hako');
}

/** The layers' files, the lowest first. */
async function layers(layout: string): Promise<string[]> {
  const read = async (path: string): Promise<unknown> => JSON.parse(await readFile(join(layout, path), 'utf8'));
  const blob = (digest: string): string => `blobs/${digest.replace(':', '/')}`;
  const index = (await read('index.json')) as { manifests: { digest: string }[] };
  const manifest = (await read(blob(index.manifests[0]!.digest))) as { layers: { digest: string }[] };
  return manifest.layers.map(({ digest }) => join(layout, blob(digest))).filter((path) => existsSync(path));
}
