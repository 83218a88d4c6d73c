/**
 * `hako overlay pack`: a layer made of an upper directory: a tar as images have it, whiteouts and opaque directories translated to the
 * files that the OCI image-spec names (`.wh.NAME`, `.wh..wh..opq`), or a directory that an overlay can be stacked of. The packing and
 * the extraction are the engine's own (src/storage/layer-pack.ts, layer-extract.ts).
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { call, type Call } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { AT_FDCWD, atFlags, openFlags } from '../../kernel/flags.ts';
import { extractLayer } from '../../storage/layer-extract.ts';
import { packLayer } from '../../storage/layer-pack.ts';
import { removal } from '../../storage/remove-tree.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { turnOrRefuse } from '../signals.ts';
import type { Stack } from './stack.ts';

/** What is to be packed, and how. */
export interface PackPlan {
  /** The top layer is packed; those below tell which opaque directories hide something. */
  readonly stack: Stack;
  /** Where the tar goes, in words: a file, or `-`. */
  readonly output: string;
  /** Instead of a tar, a directory to be made. */
  readonly directory?: string | undefined;
  /** In the directory: marks that overlayfs takes, or files as in a tar. */
  readonly whiteouts: 'overlay' | 'files';
}

/** A layer that was made. */
export interface Packed {
  /** Of the tar: the layer's diff id. */
  readonly digest: string;
  /** Bytes of the tar. */
  readonly size: number;
}

/**
 * Makes the layer.
 * @param save takes the tar, where one is wanted
 * @throws ElementError when the directory is there already; StorageError when the layer is not whole (redirect_dir, metacopy)
 */
export function* pack(plan: PackPlan, save: (tar: Readable) => Promise<void>): Procedure<Packed> {
  const { stack, directory } = plan;
  const [top, ...lower] = stack.layers;
  const upper = top!.directory;
  const packed = { hash: createHash('sha256'), size: 0 };
  // Without layers below, every opaque directory is marked.
  const belows = lower.length ? lower.map((layer) => layer.directory) : undefined;
  const tar = (): AsyncGenerator<Buffer> => counted(packLayer(upper, belows, undefined, stack.family), packed);
  // The first of as many calls as there are files: bulk data is told of as a whole.
  const walk = (perform: () => Promise<number>): Call => call('openat', [AT_FDCWD, upper, openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { perform });
  if (directory === undefined) {
    yield* step({
      id: 'layer.pack',
      what: `Pack ${upper} as a layer's tar: whiteouts become files .wh.NAME`,
      calls: [walk(async () => (await save(Readable.from(tar(), { objectMode: false })), 0))],
      shell: packShell(upper, plan.output, stack.family),
      look: plan.output === '-' ? 'tar -tv' : `tar -tvf ${word(plan.output)}`,
      undone: 'the file appears under its name only when it is whole',
    });
  } else {
    if (existsSync(directory)) throw new ElementError(`${directory} is there already: name a directory that is to be made`);
    yield* step({
      id: 'layer.directory',
      what: `Make the directory ${directory}`,
      calls: [call('mkdirat', [AT_FDCWD, directory, 0o755])],
      shell: `mkdir ${word(directory)}`,
      look: `ls -ld ${word(directory)}`,
      undo: [call('unlinkat', [AT_FDCWD, directory, atFlags.AT_REMOVEDIR], { accept: [errno.ENOENT], perform: () => removeAll(directory) })],
    });
    yield* step({
      id: 'layer.extract',
      what: `Put what ${upper} changed into ${directory}, as a layer has it`,
      calls: [walk(async () => (await fill(directory, tar(), plan.whiteouts), 0))],
      shell:
        plan.whiteouts === 'overlay'
          ? `cp -a --preserve=all ${word(upper)}/. ${word(directory)}/`
          : `${packShell(upper, '-', stack.family)} | tar --xattrs -xf - -C ${word(directory)}`,
      look: `ls -lR ${word(directory)}`,
      undone: 'goes with the directory',
    });
  }
  return { digest: packed.size === 0 ? '' : `sha256:${packed.hash.digest('hex')}`, size: packed.size };
}

/** By hand: a copy, in which each mark becomes the file that stands for it. */
function packShell(upper: string, output: string, family: Stack['family']): string {
  return [
    `COPY=$(mktemp -d) && cp -a ${word(upper)}/. "$COPY"/`,
    `getfattr -Rhn ${family}.overlay.opaque --absolute-names "$COPY" 2>/dev/null | sed -n 's/^# file: //p' | while read -r d; do : > "$d/.wh..wh..opq"; done`,
    `find "$COPY" -type c -exec sh -c 'for f; do [ "$(stat -c %t:%T "$f")" != 0:0 ] || { rm "$f"; : > "\${f%/*}/.wh.\${f##*/}"; }; done' sh {} +`,
    `getfattr -Rhn ${family}.overlay.whiteout --absolute-names "$COPY" 2>/dev/null | sed -n 's/^# file: //p' | while read -r f; do rm "$f"; : > "\${f%/*}/.wh.\${f##*/}"; done`,
    `tar -C "$COPY" --xattrs --xattrs-exclude='*.overlay.*' --numeric-owner -cf ${word(output)} . ; rm -r "$COPY"`,
  ].join('\n');
}

/** Milliseconds that a signal may wait to be seen. */
const mostBetweenTurns = 50;

async function* counted(chunks: AsyncIterable<Buffer>, into: { hash: { update(bytes: Uint8Array): unknown }; size: number }): AsyncGenerator<Buffer> {
  let turned = performance.now();
  for await (const chunk of chunks) {
    if (performance.now() - turned > mostBetweenTurns) {
      await turnOrRefuse();
      turned = performance.now();
    }
    into.hash.update(chunk);
    into.size += chunk.length;
    yield chunk;
  }
}

async function fill(directory: string, tar: AsyncIterable<Buffer>, whiteouts: PackPlan['whiteouts']): Promise<void> {
  const fd = openSync(directory, 'r');
  try {
    await extractLayer(tar, { fd }, { whiteouts: whiteouts === 'overlay' ? 'overlay' : 'none' });
  } finally {
    closeSync(fd);
  }
}

function removeAll(directory: string): number {
  for (const _ of removal(directory)?.steps ?? []);
  return 0;
}
