/**
 * Packs the upper directory of an overlay mount as a layer's tar: whiteouts and opaque directories become the files that the
 * OCI image-spec names (layer, "Whiteouts"), and OverlayFS's own attributes stay behind.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { isDirectory, toText, type ByteString } from '../kernel/file-at.ts';
import { isOpaque, isWhiteout, listXattrs, type OverlayFamily, ownFamily } from '../kernel/xattr.ts';
import { StorageError } from './error.ts';
import { opaqueMarker, whiteoutPrefix } from './layer-extract-path.ts';
import { LayerStack } from './layer-lookup.ts';
import { packTree, type IdRange } from './tar/pack.ts';

/**
 * Packs an upper directory.
 * @param upper its path
 * @param lower the directories of the layers below, the top one first. Where given, only those opaque directories are marked that
 *   hide something: OverlayFS makes every new directory opaque.
 * @param idRange the ids of the container's user namespace, if it has one: an image's owners do not depend on it
 * @param family where the overlay keeps its attributes
 * @throws StorageError when the mount was made with `redirect_dir` or `metacopy`, whose files are not complete without it
 */
export async function* packLayer(upper: string, lower?: readonly string[], idRange?: IdRange, family: OverlayFamily = ownFamily()): AsyncGenerator<Buffer> {
  const stack = lower && new LayerStack(lower, family);
  const fd = openSync(upper, constants.O_RDONLY | constants.O_DIRECTORY);
  const hidesNothing = (path: ByteString): boolean => {
    const below = stack?.stat(path);
    return stack !== undefined && (below === undefined || !isDirectory(below));
  };
  try {
    yield* packTree(fd, {
      idRange,
      hooks: {
        isWhiteout: (file, status) => isWhiteout(file, status, family),
        whiteoutName: (name) => whiteoutPrefix + name,
        marker: (directory, path) => (isOpaque(directory, family) && !hidesNothing(path) ? opaqueMarker : undefined),
        examine: (file, path) => refuseIncomplete(file, path, family),
      },
    });
  } finally {
    closeSync(fd);
    stack?.close();
  }
}

function refuseIncomplete(fd: number, path: ByteString, family: OverlayFamily): void {
  const attribute = listXattrs(fd).find((name) => name === `${family}.overlay.redirect` || name === `${family}.overlay.metacopy`);
  if (!attribute) return;
  throw new StorageError('failed', `cannot pack "${toText(path)}" as part of a layer: it has ${attribute}; mount overlays with redirect_dir=off,metacopy=off`);
}
