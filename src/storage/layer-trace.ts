/**
 * How an overlay finds a path: what each of its layers has there, which of them answers, and what hides what. It is the kernel's
 * own search (ovl_lookup in fs/overlayfs/namei.c) made again without a mount, with what the kernel passes over told as well.
 * See the kernel's Documentation/filesystems/overlayfs.rst.
 */
import { errno, KernelError } from '../kernel/errno.ts';
import {
  closeFd,
  isDirectory,
  readLinkAt,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statFd,
  toText,
  tryOpenBeneath,
  type ByteString,
  type FileStatus,
} from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { getOverlayXattr, isWhiteout, type OverlayFamily, ownFamily } from '../kernel/xattr.ts';
import { parentOf } from './layer-extract-path.ts';

/** Why a layer's file is not seen. */
export interface Hiding {
  /** Index of the layer that hides it, the top one 0. */
  readonly layer: number;
  /** What in that layer does it, at `path` there. */
  readonly by: 'whiteout' | 'opaque' | 'file' | 'directory';
  readonly path: ByteString;
}

/** What one layer has at the path. */
export interface LayerFind {
  /** The path that is looked for in this layer: another than asked for where a directory above was redirected. */
  readonly path: ByteString;
  readonly found: 'file' | 'whiteout' | 'absent';
  readonly status?: FileStatus;
  /** Of a symbolic link. */
  readonly target?: ByteString;
  /** Nothing of the layers below shows in this directory. */
  readonly opaque?: boolean;
  /** Where the layers below have this directory, or this file's content. */
  readonly redirect?: ByteString;
  /** The file has its attributes here, and its content in a layer below. */
  readonly metacopy?: boolean;
  /**
   * `shown`: this is what the overlay shows. `merged`: a directory whose names show too. `content`: the content of a file whose
   * attributes are above. `hidden`: there, and not seen. `none`: nothing to be seen here, a whiteout included.
   */
  readonly role: 'shown' | 'merged' | 'content' | 'hidden' | 'none';
  /** Why nothing of this layer, or not this file, is seen. */
  readonly hidden?: Hiding;
  /** Where nothing is there: what this layer itself has in the place of a directory above. */
  readonly above?: Pick<Hiding, 'by' | 'path'> | undefined;
}

/** A symbolic link on the way, which was followed. */
export interface FollowedLink {
  readonly path: ByteString;
  readonly target: ByteString;
  readonly layer: number;
}

/** What became of a path. */
export interface Trace {
  /** The path with the links on the way followed; normalized, without a leading slash. */
  readonly path: ByteString;
  readonly links: readonly FollowedLink[];
  /** One for each layer, the top one first. */
  readonly finds: readonly LayerFind[];
  /** The layer that answers; undefined where the overlay shows nothing. */
  readonly shown: number | undefined;
}

/** Symbolic links that a path may have, as path_resolution(7) has it. */
const mostLinks = 40;

/** What is known of a layer when a directory has been walked to. */
interface Place {
  /** Where the directory is in this layer. */
  readonly path: ByteString;
  /** It is part of the merged directory. */
  readonly merged: boolean;
  readonly hidden?: Hiding | undefined;
  readonly above?: LayerFind['above'];
}

interface Level {
  readonly name: ByteString;
  readonly finds: readonly LayerFind[];
  readonly places: readonly Place[];
}

/**
 * Traces a path. Links in its directories are followed as a process whose root is the overlay would; a link at its end is not.
 * @param layers descriptors of the layers' directories, the top one first
 * @param family where the overlay keeps its attributes
 * @throws KernelError ELOOP for too many links, or when a layer cannot be read
 */
export function traceLayers(layers: readonly number[], path: ByteString, family: OverlayFamily = ownFamily()): Trace {
  const links: FollowedLink[] = [];
  const roots = layers.map((layer, i): LayerFind => ({ ...look(layer, '', family), role: i === 0 ? 'shown' : 'merged' }));
  const levels: Level[] = [{ name: '', finds: roots, places: roots.map(() => ({ path: '', merged: true })) }];
  const rest = componentsOf(path);
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '..') {
      // The root's parent is the root.
      if (levels.length > 1) levels.pop();
      continue;
    }
    const level = lookUp(layers, levels.at(-1)!.places, name, family);
    const shown = level.finds.findIndex((find) => find.role === 'shown');
    const target = level.finds[shown]?.target;
    if (target === undefined || rest.length === 0) {
      levels.push(level);
      continue;
    }
    links.push({ path: pathOf([...levels, level]), target, layer: shown });
    if (links.length > mostLinks) throw new KernelError(`follow the links of "${toText(path)}"`, errno.ELOOP);
    if (target.startsWith('/')) levels.length = 1;
    rest.unshift(...componentsOf(target));
  }
  const { finds } = levels.at(-1)!;
  const shown = finds.findIndex((find) => find.role === 'shown');
  return { path: pathOf(levels), links, finds, shown: shown < 0 ? undefined : shown };
}

const componentsOf = (path: ByteString): ByteString[] => path.split('/').filter((part) => part !== '' && part !== '.');
const pathOf = (levels: readonly Level[]): ByteString =>
  levels
    .slice(1)
    .map(({ name }) => name)
    .join('/');

/** One name in a merged directory: the kernel's loop over the layers, which goes on here where the kernel has stopped. */
function lookUp(layers: readonly number[], places: readonly Place[], name: ByteString, family: OverlayFamily): Level {
  const finds: LayerFind[] = [];
  const below: Place[] = [];
  let stop: Hiding | undefined;
  let kind: 'directory' | 'metacopy' | undefined;
  /** What a layer is asked for: a redirect changes it for those below. */
  let asked = name;
  for (const [i, layer] of layers.entries()) {
    const place = places[i]!;
    // An absolute redirect begins at the layer's root, also where the directory above is no part of the merged one.
    const fromRoot = asked.startsWith('/');
    const path = fromRoot ? asked.slice(1) : join(place.path, asked);
    const here = look(layer, path, family);
    const hidden = stop ?? (fromRoot ? undefined : place.hidden);
    if (hidden || !(place.merged || fromRoot)) {
      finds.push({ ...here, role: here.found === 'file' ? 'hidden' : 'none', ...(hidden ? { hidden } : {}), ...aboveOf(here, place) });
      below.push({ path, merged: false, hidden, above: place.above });
      continue;
    }
    const way = fromRoot ? walkRedirect(layer, asked, family) : {};
    const verdict = way.blocked ? { role: 'none' as const } : judge(here, kind, finds);
    const seen = verdict.role === 'shown' || verdict.role === 'merged';
    const directory = here.status !== undefined && isDirectory(here.status);
    const obstacle = here.found === 'whiteout' ? 'whiteout' : here.found === 'file' && !directory ? 'file' : undefined;
    if (way.blocked) stop = { layer: i, ...way.blocked };
    else if (obstacle === 'whiteout' || verdict.hidden) stop = { layer: i, by: obstacle ?? 'directory', path };
    else if (seen && directory) {
      kind = 'directory';
      if (here.opaque) stop = { layer: i, by: 'opaque', path };
    } else if (here.metacopy) kind = 'metacopy';
    else if (here.found === 'file') stop = { layer: i, by: 'file', path };
    if (way.opaque !== undefined) stop ??= { layer: i, by: 'opaque', path: way.opaque };
    asked = here.redirect === undefined ? (way.asked ?? asked) : here.redirect.startsWith('/') ? here.redirect : join(parentOf(asked), here.redirect);
    finds.push({ ...here, ...verdict });
    below.push({ path, merged: seen && directory, above: way.blocked ?? (obstacle && { by: obstacle, path }) });
  }
  return { name, finds, places: below };
}

/** Whether a file that the search has come to is seen. @param kind of what was found above @param finds of the layers above */
function judge(here: Look, kind: 'directory' | 'metacopy' | undefined, finds: readonly LayerFind[]): Pick<LayerFind, 'role' | 'hidden'> {
  if (here.found !== 'file') return { role: 'none' };
  if (kind === undefined) return { role: 'shown' };
  const mode = here.status!.mode & S_IFMT;
  if (kind === 'directory' && mode === S_IFDIR) return { role: 'merged' };
  // Of several files without content only the topmost counts.
  if (kind === 'metacopy' && mode === S_IFREG && !here.metacopy) return { role: 'content' };
  const layer = finds.findIndex((find) => find.role === 'shown');
  const hidden: Hiding = { layer, by: kind === 'directory' ? 'directory' : 'file', path: finds[layer]!.path };
  return { role: 'hidden', ...(kind === 'metacopy' && mode === S_IFREG ? {} : { hidden }) };
}

/** The directories above the end of an absolute redirect, which the kernel looks at as it does at any others. */
function walkRedirect(
  layer: number,
  asked: ByteString,
  family: OverlayFamily,
): { readonly blocked?: Pick<Hiding, 'by' | 'path'>; readonly opaque?: ByteString; readonly asked?: ByteString } {
  const parts = componentsOf(asked);
  let opaque: ByteString | undefined;
  let next: ByteString | undefined;
  for (let end = 1; end < parts.length; end++) {
    const path = parts.slice(0, end).join('/');
    const here = look(layer, path, family);
    if (here.found === 'absent') break;
    if (here.found === 'whiteout') return { blocked: { by: 'whiteout', path } };
    if (!isDirectory(here.status!)) return { blocked: { by: 'file', path } };
    if (here.opaque) opaque ??= path;
    if (here.redirect !== undefined)
      next = `${here.redirect.startsWith('/') ? '' : '/'}${join(here.redirect.startsWith('/') ? '' : parentOf(path), here.redirect)}/${parts.slice(end).join('/')}`;
  }
  return { ...(opaque === undefined ? {} : { opaque }), ...(next === undefined ? {} : { asked: next }) };
}

type Look = Omit<LayerFind, 'role' | 'hidden' | 'above'>;

/** What a layer has at a path, by itself. */
function look(layer: number, path: ByteString, family: OverlayFamily): Look {
  const fd = tryOpenBeneath(layer, path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
  if (fd === -errno.ENOENT || fd === -errno.ENOTDIR || fd === -errno.ELOOP || fd === -errno.ENAMETOOLONG) return { path, found: 'absent' };
  if (fd < 0) throw new KernelError(`open "/${toText(path)}" of a layer`, -fd);
  try {
    const status = statFd(fd);
    const type = status.mode & S_IFMT;
    const attribute = (name: string): Buffer | undefined => getOverlayXattr(fd, name, family);
    if (isWhiteout(fd, status, family)) return { path, found: 'whiteout', status };
    const redirect = type === S_IFDIR || type === S_IFREG ? attribute('redirect')?.toString('latin1') : undefined;
    return {
      path,
      found: 'file',
      status,
      ...(type === S_IFLNK ? { target: readLinkAt(fd, '') } : {}),
      ...(type === S_IFDIR && attribute('opaque')?.toString('latin1') === 'y' ? { opaque: true } : {}),
      ...(type === S_IFREG && attribute('metacopy') ? { metacopy: true } : {}),
      ...(redirect ? { redirect } : {}),
    };
  } finally {
    closeFd(fd);
  }
}

const aboveOf = (here: Look, { above }: Place): Pick<LayerFind, 'above'> => (above && here.found === 'absent' ? { above } : {});
const join = (directory: ByteString, name: ByteString): ByteString => (directory === '' ? name : `${directory}/${name}`);
