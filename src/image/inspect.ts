/** What an image is and how it came to be: `image inspect` and `image history`, in the shapes of the Docker Engine API. */
import type { Digest } from '../storage/digest.ts';
import type { HistoryEntry, ImageConfig } from './config.ts';
import { familiarName } from './reference.ts';
import type { ImageStore, StoredImage } from './store.ts';

export interface ImageInspect {
  Id: Digest;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  /** RFC 3339. */
  Created?: string;
  DockerVersion: string;
  Author: string;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Config: ImageConfig;
  /** Bytes, all layers unpacked. */
  Size: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: 'layers'; Layers: string[] };
  Metadata: { LastTagTime?: string };
}

export interface HistoryItem {
  Id: string;
  /** Seconds since the epoch. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  /** Bytes. */
  Size: number;
  Comment: string;
  /** The diff id of the layer that the step made; absent where it made none. Docker does not tell. */
  Layer?: string;
}

/** Bytes of an image's layers, unpacked. */
export const imageSize = (store: ImageStore, image: StoredImage): number => image.chain.reduce((sum, id) => sum + (store.layers.get(id)?.size ?? 0), 0);

/** When an image was made, in seconds since the epoch; 0 when it does not say. */
export const secondsOf = (time: string | undefined): number => Math.max(0, Math.floor((Date.parse(time ?? '') || 0) / 1000));

export function inspectImage(store: ImageStore, image: StoredImage): ImageInspect {
  const { configuration: c, chain } = image;
  const top = chain.at(-1);
  const dirs = top === undefined || !store.layers.get(top) ? [] : store.layers.lowerDirs(top);
  const [upper, ...lower] = dirs;
  return {
    Id: image.id,
    RepoTags: image.names.map(familiarName),
    RepoDigests: [],
    Parent: '',
    Comment: c.comment ?? c.history.at(-1)?.comment ?? '',
    ...(c.created ? { Created: c.created } : {}),
    DockerVersion: c.docker_version ?? '',
    Author: c.author ?? '',
    Architecture: c.architecture,
    ...(c.variant ? { Variant: c.variant } : {}),
    Os: c.os,
    ...(c['os.version'] ? { OsVersion: c['os.version'] } : {}),
    Config: c.config,
    Size: imageSize(store, image),
    GraphDriver: { Name: 'overlay2', Data: upper === undefined ? null : { ...(lower.length ? { LowerDir: lower.join(':') } : {}), UpperDir: upper } },
    RootFS: { Type: 'layers', Layers: [...c.rootfs.diff_ids] },
    Metadata: {},
  };
}

/** The steps that made an image, newest first. Only the newest has an id: there are no intermediate images. */
export function imageHistory(store: ImageStore, image: StoredImage): HistoryItem[] {
  const layers = [...image.chain];
  const diffIds = [...image.configuration.rootfs.diff_ids];
  // An image without history still has layers to show.
  const entries: readonly HistoryEntry[] = image.configuration.history.length ? image.configuration.history : layers.map(() => ({}));
  const items = entries.map((entry): HistoryItem => {
    const layer = entry.empty_layer ? undefined : layers.shift();
    const diffId = entry.empty_layer ? undefined : diffIds.shift();
    return {
      Id: '<missing>',
      Created: secondsOf(entry.created),
      CreatedBy: entry.created_by ?? '',
      Tags: null,
      Size: layer === undefined ? 0 : (store.layers.get(layer)?.size ?? 0),
      Comment: entry.comment ?? '',
      ...(diffId === undefined ? {} : { Layer: diffId }),
    };
  });
  const newest = items.at(-1);
  if (newest) Object.assign(newest, { Id: image.id, Tags: image.names.length ? image.names.map(familiarName) : null });
  return items.toReversed();
}
