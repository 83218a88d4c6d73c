/** `hako overlay whiteouts`: the marks of layers that say what is not there, with what each hides of the layers below. */
import { toText } from '../../kernel/file-at.ts';
import { layerTree, type Mark } from './layer-tree.ts';
import type { OpenStack } from './stack.ts';
import { absolute } from './which.ts';

/** A mark. */
export interface LayerMark {
  readonly layer: string;
  readonly kind: Mark['kind'];
  readonly path: string;
  /** Where a redirect leads. */
  readonly target?: string;
  /** Files of the layers below that it hides, and their bytes. */
  readonly hiddenFiles: number;
  readonly hiddenBytes: number;
}

/** The marks of all layers, the top one first. Where directories are redirected, what is hidden is counted by their names alone. */
export function layerMarks(stack: OpenStack): LayerMark[] {
  const { marks } = layerTree(stack, false);
  return marks
    .toSorted((a, b) => a.layer - b.layer || (a.path < b.path ? -1 : 1))
    .map(({ layer, kind, path, target, files, bytes }) => ({
      layer: stack.layers[layer]!.name,
      kind,
      path: absolute(path),
      ...(target === undefined ? {} : { target: toText(target) }),
      hiddenFiles: files,
      hiddenBytes: bytes,
    }));
}
