/**
 * Images in a `docker save` archive (Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset
 * Format"): `manifest.json` names a configuration and the layers' tar files, wherever they are in the archive.
 */
import { parseJson } from '../storage/atomic.ts';
import { invalid } from '../storage/error.ts';
import type { ArchiveFiles } from './archive.ts';
import { maximumConfigBytes } from './config.ts';
import type { ImageSource } from './ingest.ts';
import { maximumLayers, maximumManifestBytes } from './manifest.ts';
import { fullName, parseReference } from './reference.ts';

export const isDockerArchive = (files: ArchiveFiles): boolean => files.has('manifest.json');

/**
 * The images of the archive.
 * @throws StorageError (invalid) when it is damaged or refers outside itself
 */
export function readDockerArchive(files: ArchiveFiles): ImageSource[] {
  const label = `${files.name}: manifest.json`;
  const list = parseJson(files.read('manifest.json', maximumManifestBytes), label);
  if (!Array.isArray(list) || list.length === 0) throw invalid(`${label} is not a list of images`);
  return list.map((item: unknown, i) => readImage(files, (item ?? {}) as Record<string, unknown>, `${label}: image ${i + 1}`));
}

function readImage(files: ArchiveFiles, { Config: config, Layers: layers, RepoTags: tags }: Record<string, unknown>, label: string): ImageSource {
  if (typeof config !== 'string') throw invalid(`${label} names no configuration`);
  if (!isStringList(layers)) throw invalid(`${label} names no list of layers`);
  if (layers.length > maximumLayers) throw invalid(`${label} has ${layers.length} layers; the kernel stacks at most ${maximumLayers}`);
  if (tags !== null && tags !== undefined && !isStringList(tags)) throw invalid(`${label}: RepoTags is not a list of names`);
  const names = (tags ?? []).map((tag) => fullName(parseReference(tag)));
  return {
    name: names[0] ?? label,
    names,
    config: files.read(config, maximumConfigBytes),
    layers: layers.map((layer) => ({ region: files.region(layer) })),
  };
}

const isStringList = (value: unknown): value is string[] => Array.isArray(value) && value.every((v) => typeof v === 'string');
