/**
 * What a stack of layers shows, put together from the lowest layer up, with what each layer hid of those below: the counterpart of
 * layer-trace.ts for all paths at once. Nothing is mounted, and no file is read.
 */
import { KernelError } from '../../kernel/errno.ts';
import { closeFd, S_IFMT, S_IFREG, toText, tryOpenAt, tryOpenBeneath, type ByteString, type FileStatus } from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { getOverlayXattr, isOpaque, isWhiteoutAt } from '../../kernel/xattr.ts';
import { walkLayer } from '../../storage/layer-walk.ts';
import { ElementError } from '../interpret.ts';
import type { OpenStack } from './stack.ts';

/** The content of a file: several names may be hard links to it. */
export interface Content {
  /** Index of the layer, the top one 0. */
  readonly layer: number;
  /** Its first name there. */
  readonly path: ByteString;
  readonly status: FileStatus;
  /** Bytes of a regular file; 0 of anything else. */
  readonly size: number;
  /** Names that are still seen. */
  shown: number;
}

/** A name that a layer above hid. */
export interface Hidden {
  readonly path: ByteString;
  readonly content: Content;
  /** The layer that did. */
  readonly by: number;
  /** Something else has the name now, or nothing. */
  how: 'overwritten' | 'deleted';
}

/** A whiteout, an opaque directory, or what the mount options redirect_dir and metacopy leave; and what it hid. */
export interface Mark {
  readonly layer: number;
  readonly kind: 'whiteout' | 'opaque' | 'redirect' | 'metacopy';
  readonly path: ByteString;
  /** Where a redirect leads. */
  readonly target?: ByteString;
  /** Files of the layers below that it hid, and their bytes. */
  readonly files: number;
  readonly bytes: number;
}

interface Node {
  content?: Content;
  /** Of a directory. */
  children?: Map<ByteString, Node>;
}

/** Everything in a stack. */
export interface LayerTree {
  readonly contents: readonly Content[];
  readonly hidden: readonly Hidden[];
  readonly marks: readonly Mark[];
}

/**
 * Puts the layers together.
 * @param whole redirects and files without content are not only noted, but refused
 * @throws ElementError where a layer needs options of a mount (a redirected directory, a file without content) to be understood
 */
export function layerTree(stack: OpenStack, whole: boolean): LayerTree {
  const build = new Builder(whole);
  for (let layer = stack.fds.length - 1; layer >= 0; layer--) build.add(stack, layer);
  return build;
}

class Builder implements LayerTree {
  readonly contents: Content[] = [];
  readonly hidden: Hidden[] = [];
  readonly marks: Mark[] = [];
  readonly #root: Node = { children: new Map() };
  readonly #whole: boolean;

  constructor(whole: boolean) {
    this.#whole = whole;
  }

  add(stack: OpenStack, layer: number): void {
    const from = this.hidden.length;
    const byIdentity = new Map<string, Content>();
    const directory = tryOpenAt(stack.fds[layer]!, '.', openFlags.O_DIRECTORY);
    if (directory < 0) throw new KernelError(`open layer ${stack.layers[layer]!.name}`, -directory);
    try {
      for (const { path, name, parent, status, fd } of walkLayer(directory)) {
        if (fd !== undefined) this.#directory(path, fd, layer, stack);
        else if (isWhiteoutAt(parent, name, status, stack.family)) this.#mark('whiteout', path, layer, () => this.#remove(path, name, layer));
        else this.#file(path, name, status, layer, byIdentity, stack);
      }
    } finally {
      closeFd(directory);
    }
    // What has the name again in this layer was not deleted.
    for (const hidden of this.hidden.slice(from)) if (this.#find(hidden.path)) hidden.how = 'overwritten';
  }

  #file(path: ByteString, name: ByteString, status: FileStatus, layer: number, byIdentity: Map<string, Content>, stack: OpenStack): void {
    const regular = (status.mode & S_IFMT) === S_IFREG;
    if (regular && status.size > 0 && status.allocated <= emptyFileBytes && isMetacopy(stack, layer, path)) {
      if (this.#whole) refuse(stack, layer, path, 'a copy of attributes alone, with its content below');
      this.marks.push({ layer, kind: 'metacopy', path, files: 0, bytes: 0 });
    }
    this.#remove(path, name, layer);
    let content = status.nlink > 1 ? byIdentity.get(status.identity) : undefined;
    if (!content) {
      content = { layer, path, status, size: regular ? status.size : 0, shown: 0 };
      this.contents.push(content);
      if (status.nlink > 1) byIdentity.set(status.identity, content);
    }
    content.shown++;
    this.#parent(path)!.set(name, { content });
  }

  #directory(path: ByteString, fd: number, layer: number, stack: OpenStack): void {
    const target = getOverlayXattr(fd, 'redirect', stack.family)?.toString('latin1');
    if (target !== undefined) {
      if (this.#whole) refuse(stack, layer, path, 'redirected to another name');
      this.marks.push({ layer, kind: 'redirect', path, target, files: 0, bytes: 0 });
    }
    const node = this.#find(path);
    if (node?.children) {
      if (isOpaque(fd, stack.family)) {
        this.#mark('opaque', path, layer, () => this.#hideAll(node, path, layer));
        node.children.clear();
      }
      return;
    }
    if (isOpaque(fd, stack.family)) this.#mark('opaque', path, layer, () => {});
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (node) this.#remove(path, name, layer);
    this.#parent(path)!.set(name, { children: new Map() });
  }

  /** Notes a mark with what its taking effect hides. */
  #mark(kind: Mark['kind'], path: ByteString, layer: number, hide: () => void): void {
    const from = this.hidden.length;
    hide();
    const files = this.hidden.slice(from);
    this.marks.push({ layer, kind, path, files: files.length, bytes: files.reduce((sum, { content }) => sum + content.size, 0) });
  }

  #remove(path: ByteString, name: ByteString, layer: number): void {
    const parent = this.#parent(path);
    const node = parent?.get(name);
    if (!node) return;
    this.#hideAll(node, path, layer);
    parent!.delete(name);
  }

  #hideAll(node: Node, path: ByteString, by: number): void {
    if (node.content) {
      node.content.shown--;
      this.hidden.push({ path, content: node.content, by, how: 'deleted' });
    }
    for (const [name, child] of node.children ?? []) this.#hideAll(child, `${path}/${name}`, by);
  }

  #find(path: ByteString): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/')) node = node?.children?.get(name);
    return node;
  }

  #parent(path: ByteString): Map<ByteString, Node> | undefined {
    const slash = path.lastIndexOf('/');
    return slash < 0 ? this.#root.children : this.#find(path.slice(0, slash))?.children;
  }
}

/** What a file without content may take on the disk: its attributes. Others need not be asked whether their content is below. */
const emptyFileBytes = 8192;

function isMetacopy(stack: OpenStack, layer: number, path: ByteString): boolean {
  const fd = tryOpenBeneath(stack.fds[layer]!, path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
  if (fd < 0) return false;
  try {
    return getOverlayXattr(fd, 'metacopy', stack.family) !== undefined;
  } finally {
    closeFd(fd);
  }
}

function refuse(stack: OpenStack, layer: number, path: ByteString, what: string): never {
  throw new ElementError(
    `${stack.of} cannot be counted: /${toText(path)} in layer ${stack.layers[layer]!.name} is ${what}; hako overlay which shows single paths of such layers`,
  );
}
