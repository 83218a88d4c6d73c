/**
 * From what a person wrote to an image, for a container to be made from. The image `base` is always there: it is made of
 * this machine's programs when it is first asked for.
 */
import type { Images, ResolvedImage } from '../image/images.ts';
import { baseImageConfig, baseImageTar } from '../image/base/base-image.ts';
import { fullName, parseReference } from '../image/reference.ts';
import { StorageError } from '../storage/error.ts';
import { answering } from './storage-failure.ts';

const baseName = fullName(parseReference('base'));

/** Finds an image. @throws EngineError 404 `No such image: x:latest`, 400 for what is no reference */
export type ImageResolver = (reference: string) => Promise<ResolvedImage>;

/**
 * Makes the function that finds images.
 * @param report told when `base` is made, which takes a moment
 */
export function imageResolver(images: Images, report: (message: string) => void): ImageResolver {
  let making: Promise<void> | undefined;
  return (reference) =>
    answering(`find the image ${reference}`, async () => {
      try {
        return images.resolve(reference);
      } catch (error) {
        if (!(error instanceof StorageError && error.kind === 'not-found' && isBase(reference))) throw error;
      }
      // Those who ask meanwhile wait for the same image.
      making ??= makeBase(images, report).finally(() => (making = undefined));
      await making;
      return images.resolve(reference);
    });
}

function isBase(reference: string): boolean {
  const parsed = parseReference(reference);
  return parsed.digest === undefined && fullName(parsed) === baseName;
}

async function makeBase(images: Images, report: (message: string) => void): Promise<void> {
  report("making the image base of this machine's own programs, since it is asked for the first time");
  const { Cmd, Env } = baseImageConfig;
  await images.import(baseImageTar(), { name: baseName, config: { Cmd: [...Cmd], Env: [...Env] }, message: "Made of the host's own programs" });
  report('the image base is ready');
}
