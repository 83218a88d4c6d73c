/**
 * Fills a new volume with what the image has at its mount point. The mount point comes from the image and may be a
 * symbolic link to anywhere: it is resolved beneath the root file system's descriptor (openat2, RESOLVE_IN_ROOT), and
 * what is below is read by descriptor without following links, so nothing of the host can end up in the volume.
 */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { errno, KernelError } from '../kernel/errno.ts';
import { closeFd, toBytes, tryOpenInRoot } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { extractLayer } from './layer-extract.ts';
import { removeTree } from './remove-tree.ts';
import { packTree } from './tar/pack.ts';

/**
 * Copies a directory of the image into a volume's directory, with the directory's own owner and mode. Does nothing when
 * the volume holds something already, or the image has no directory there.
 * @param volume the volume's directory
 * @param rootfs descriptor of the root file system
 * @param path the mount point inside it
 * @throws KernelError when something cannot be read or written; then the volume is empty again
 */
export async function copyUp(volume: string, rootfs: number, path: string): Promise<void> {
  if (readdirSync(volume).length > 0) return;
  const source = tryOpenInRoot(rootfs, toBytes(path), openFlags.O_DIRECTORY);
  if (source === -errno.ENOENT || source === -errno.ENOTDIR) return;
  if (source < 0) throw new KernelError(`open "${path}" of the image`, -source);
  const target = openSync(volume, openFlags.O_DIRECTORY);
  try {
    await extractLayer(packTree(source, { as: '.' }), { fd: target }, { whiteouts: 'none' });
  } catch (error) {
    // Half of the content would be taken for all of it the next time.
    for (const name of readdirSync(volume)) removeTree(`${volume}/${name}`);
    throw error;
  } finally {
    closeSync(target);
    closeFd(source);
  }
}
