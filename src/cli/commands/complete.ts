/** `hako __complete WORDS…`: what the completion scripts of the shells call. One candidate a line, then `:files` where file names fit too. */
import type { ContainerSummary, ImageSummary, VolumeInspect } from '../../api/schema.ts';
import { defineCommand } from '../command.ts';
import { complete, type Names } from '../complete.ts';
import { tryConnect } from '../engine-socket.ts';

export const command = defineCommand({
  usage: ['WORD...'],
  count: [0, Infinity],
  ownsRest: true,
  flags: {},
  async run({ args }) {
    // The scripts put a `--` in front, so that flags that are being completed are words here.
    const { candidates, files } = await complete(args[0] === '--' ? args.slice(1) : args, namesOf);
    process.stdout.write(candidates.map(({ word, description }) => `${word}\t${description}\n`).join('') + (files ? ':files\n' : ''));
  },
});

const namesOf: Names = async (kind) => {
  if (kind === 'step') return (await import('../../manual/manual.ts')).readManual().examples.map(({ id }) => id);
  try {
    (await tryConnect()).destroy();
    const { get } = await import('../client.ts');
    if (kind === 'image') return (await get<ImageSummary[]>('/images/json')).flatMap((image) => image.RepoTags ?? []);
    if (kind === 'volume') return ((await get<{ Volumes: VolumeInspect[] | null }>('/volumes')).Volumes ?? []).map((volume) => volume.Name);
    const containers = await get<ContainerSummary[]>('/containers/json', { all: kind === 'container' });
    return containers.flatMap((container) => container.Names.map((name) => name.replace(/^\//, '')));
  } catch {
    return []; // a shell's completion is no place for errors
  }
};
