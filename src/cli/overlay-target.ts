/**
 * What a command of `hako overlay` is about: a container, an image, a mount point, or directories as layers. Containers and images
 * are asked of the engine, so that who may not use it learns no path; their layers are then read as files, by this process.
 */
import { existsSync } from 'node:fs';
import type { ContainerInspect, HistoryItem, ImageInspect } from '../api/schema.ts';
import { isMountPoint, layerIndex, stackOf, stackOfDirectories, stackOfMount, type Stack } from '../element/overlay/stack.ts';
import { ApiError, get, segment } from './client.ts';
import { CommandError, type Flag } from './command.ts';
import { listText, type ListFormat } from './list-output.ts';

/** A target that was found. */
export interface OverlayTarget {
  readonly stack: Stack;
  /** The layer that `@LAYER` names. */
  readonly layer?: string;
  readonly container?: ContainerInspect;
}

/** How targets are written, for the help of commands that take all layers. */
export const stackHelp = [
  'TARGET is a container, an image, the mount point of an overlay, or directories as',
  'layers, the top one first: ./upper:./lower.',
].join('\n');

/** For the help of commands that take one layer, too. */
export const targetHelp = [
  `${stackHelp} A layer of it alone is TARGET@LAYER,`, //
  "where LAYER is 'upper' or a number, the lowest layer being 1.",
].join('\n');

/** For directories that are named: mounts tell it themselves. */
export const userXattrFlag = {
  kind: 'bool',
  help: 'The layers keep their marks in user.overlay.*, as overlays of unprivileged users do',
} as const satisfies Flag;

/** Rows as text: with `json`, one object a line with the very values; else as lists are printed. */
export function rowsText<T>(
  rows: readonly T[],
  list: ListFormat<T>,
  options: { readonly format?: string | undefined; readonly quiet?: boolean },
): Promise<string> {
  if (options.format === 'json') return Promise.resolve(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return listText(rows, list, options);
}

/**
 * Finds a target.
 * @throws CommandError when there is none of the name; ElementError when a path is no overlay
 */
export async function overlayTarget(text: string, options: { readonly userXattr?: boolean } = {}): Promise<OverlayTarget> {
  const [, name = '', layer] = /^(.*?)(?:@(\d+|upper))?$/s.exec(text)!;
  const { userXattr = false } = options;
  const found = /^[./]/.test(name) ? { stack: stackAt(name, userXattr) } : await stackNamed(name, userXattr);
  if (layer === undefined) return found;
  layerIndex(found.stack, layer);
  return { ...found, layer };
}

function stackAt(path: string, userXattr: boolean): Stack {
  // A directory alone is a layer, unless an overlay is mounted there.
  if (!path.includes(':') && isMountPoint(path)) return stackOfMount(path);
  return stackOfDirectories(path, userXattr ? 'user' : 'trusted');
}

async function stackNamed(name: string, userXattr: boolean): Promise<OverlayTarget> {
  const container = await found<ContainerInspect>(`/containers/${segment(name)}/json`);
  if (container) return { stack: await containerStack(container), container };
  const image = await found<ImageInspect>(`/images/${segment(name)}/json`);
  if (image) return { stack: await imageStack(name, image) };
  // Names with a slash may be images, and directories.
  if (existsSync(name)) return { stack: stackAt(name, userXattr) };
  throw new CommandError(`no such container or image: ${name}`, { hint: 'A directory is written with a slash or a dot in front: ./upper' });
}

async function found<T>(path: string): Promise<T | undefined> {
  try {
    return await get<T>(path);
  } catch (error) {
    // 400: a name that no container, or no image, can have.
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) return undefined;
    throw error;
  }
}

async function containerStack({ Name, Image, GraphDriver: { Data } }: ContainerInspect): Promise<Stack> {
  const lower = directories(Data?.['LowerDir']);
  return stackOf(`the container ${Name.slice(1)}`, Data?.['UpperDir'], lower, { createdBy: await instructions(Image) });
}

async function imageStack(name: string, { Id, GraphDriver: { Data } }: ImageInspect): Promise<Stack> {
  const lower = [...directories(Data?.['UpperDir']), ...directories(Data?.['LowerDir'])];
  if (lower.length === 0) throw new CommandError(`the image ${name} has no layers`);
  return stackOf(`the image ${name}`, undefined, lower, { createdBy: await instructions(Id) });
}

const directories = (joined: string | undefined): string[] => (joined ? joined.split(':') : []);

/** The instructions that made an image's layers, the top one first; none where the image is not there any more. */
async function instructions(image: string): Promise<(string | undefined)[]> {
  const history = await found<HistoryItem[]>(`/images/${segment(image)}/history`);
  return (history ?? []).filter(({ Layer }) => Layer !== undefined).map(({ CreatedBy }) => CreatedBy || undefined);
}
