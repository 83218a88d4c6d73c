/** How much room a container takes. Its layer is walked, so this is done only when somebody asks. */
import { StorageError } from '../storage/error.ts';
import type { Container } from './container.ts';
import type { Parts } from './parts.ts';

/** In bytes. */
export interface ContainerSizes {
  /** What the container has written. */
  readonly rw: number;
  /** Its root file system in all, with the image's layers. */
  readonly rootFs: number;
}

export async function containerSizes(parts: Pick<Parts, 'images' | 'snapshots'>, container: Container): Promise<ContainerSizes> {
  const rw = await parts.snapshots.size(container.id);
  return { rw, rootFs: rw + imageSize(parts, container.record.image.id) };
}

/** The layers stay when the image is removed by force; what they take is then not known any more. */
function imageSize({ images }: Pick<Parts, 'images'>, id: string): number {
  try {
    return images.inspect(id).Size;
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'not-found') return 0;
    throw error;
  }
}
