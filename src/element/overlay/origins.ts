/**
 * Where in the layers below a file is that was copied up and then renamed: OverlayFS keeps a handle of the original, which leads to
 * the file, and the file to its names. The layers are walked once, and only when such a file is met.
 */
import { closeFd, openAt, statFd, tryOpenBeneath, type ByteString, type FileStatus } from '../../kernel/file-at.ts';
import { openOrigin } from '../../kernel/file-handle.ts';
import { openFlags } from '../../kernel/flags.ts';
import { walkLayer } from '../../storage/layer-walk.ts';
import type { OpenStack } from './stack.ts';

/** An original. */
export interface Origin {
  /** Index in the stack, the top one 0. */
  readonly layer: number;
  readonly path: ByteString;
  readonly status: FileStatus;
}

export class Origins {
  readonly #stack: OpenStack;
  #byIdentity: Map<string, Origin> | undefined;

  constructor(stack: OpenStack) {
    this.#stack = stack;
  }

  /**
   * The identity of the original.
   * @param origin the attribute's value
   * @returns undefined where it cannot be told: without CAP_DAC_READ_SEARCH, or on a file system without handles
   */
  identity(origin: Uint8Array): string | undefined {
    for (const layer of this.#stack.fds.slice(1)) {
      const directory = openAt(layer, '.', openFlags.O_DIRECTORY);
      try {
        const fd = openOrigin(directory, origin);
        if (fd === undefined || fd < 0) continue;
        try {
          return statFd(fd).identity;
        } finally {
          closeFd(fd);
        }
      } finally {
        closeFd(directory);
      }
    }
    return undefined;
  }

  /** Finds a file of the lower layers by its identity. */
  find(identity: string): Origin | undefined {
    this.#byIdentity ??= this.#walk();
    return this.#byIdentity.get(identity);
  }

  #walk(): Map<string, Origin> {
    const all = new Map<string, Origin>();
    for (const [layer, fd] of this.#stack.fds.entries()) {
      if (layer === 0) continue;
      const directory = openAt(fd, '.', openFlags.O_DIRECTORY);
      try {
        for (const { path, status, fd: isDirectory } of walkLayer(directory))
          if (isDirectory === undefined && !all.has(status.identity)) all.set(status.identity, { layer, path, status });
      } finally {
        closeFd(directory);
      }
    }
    return all;
  }

  /** Does something with the original's descriptor (O_PATH). */
  open<T>({ layer, path, status }: Origin, use: (fd: number) => T): T | undefined {
    const fd = tryOpenBeneath(this.#stack.fds[layer]!, path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
    if (fd < 0) return undefined;
    try {
      return statFd(fd).identity === status.identity ? use(fd) : undefined;
    } finally {
      closeFd(fd);
    }
  }
}
