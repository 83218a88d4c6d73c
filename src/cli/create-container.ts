/** Creating a container, as `hako run` and `hako create` do it: checks on this side, the request, warnings and the id's file. */
import { existsSync, writeFileSync } from 'node:fs';
import type { ContainerCreateBody, CreateResponse } from '../api/schema.ts';
import { ApiError, get, post, segment } from './client.ts';
import { CommandError, UsageError, type Values } from './command.ts';
import type { ContainerFlags } from './container-flags.ts';
import { withTag } from './image-name.ts';
import { print } from './terminal-text.ts';

/**
 * @returns the container's id
 * @throws CommandError with exit code 125
 */
export async function createContainer(flags: Values<ContainerFlags>, body: ContainerCreateBody): Promise<string> {
  checkPull(flags.pull);
  if (flags.runtime && flags.runtime !== 'hako') warn(`--runtime ${flags.runtime} is ignored: containers are run by hako itself`);
  const { cidfile } = flags;
  if (cidfile && existsSync(cidfile)) {
    throw new CommandError(`container ID file found, make sure the other container isn't running or delete ${cidfile}`, { exitCode: 125 });
  }
  let created: CreateResponse;
  try {
    const answer = post<CreateResponse>('/containers/create', { name: flags.name, platform: flags.platform }, body);
    if (body.Image === 'base' || body.Image === 'base:latest') tellOfBase(answer);
    created = await answer;
  } catch (error) {
    throw createError(error, body.Image ?? '');
  }
  for (const warning of created.Warnings ?? []) warn(warning);
  if (cidfile) {
    try {
      writeFileSync(cidfile, created.Id, { flag: 'wx' });
    } catch (error) {
      throw new CommandError(`cannot write the container ID to ${cidfile}: ${(error as NodeJS.ErrnoException).code}`, { exitCode: 125 });
    }
  }
  return created.Id;
}

export function warn(text: string): void {
  print(`WARNING: ${text}\n`, process.stderr);
}

function checkPull(pull: string | undefined): void {
  if (pull === undefined || pull === 'missing' || pull === 'never') return;
  if (pull !== 'always') throw new UsageError(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`);
  throw new CommandError('--pull always: hako does not pull images from registries', {
    exitCode: 125,
    hint: 'Import the image with `hako image import FILE NAME`.',
  });
}

/** An unknown image is told as Docker tells it, with what can be done about it. */
function createError(error: unknown, image: string): unknown {
  if (!(error instanceof CommandError)) return error;
  if (error instanceof ApiError && error.status === 404 && /image/i.test(error.message)) {
    return new CommandError(`Unable to find image '${withTag(image)}' locally`, {
      exitCode: 125,
      hint: 'Import it with `hako image import FILE NAME` (a root filesystem, a `docker save` archive or an OCI layout);\n`hako images` lists what is here, and the image `base` is always there.',
    });
  }
  return new CommandError(error.message, { exitCode: 125, ...(error.hint !== undefined && { hint: error.hint }) });
}

/** The image `base` is made on its first use, which takes seconds. When the answer is slow to come, that is looked up, and told. */
function tellOfBase(answer: Promise<unknown>): void {
  const timer = setTimeout(() => {
    get(`/images/${segment('base')}/json`).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404)
        process.stderr.write("hako: making the image 'base' from this machine's own programs; this happens once\n");
    });
  }, 150);
  void answer.catch(() => {}).finally(() => clearTimeout(timer));
}

/**
 * The exit code for a start or an exec that failed, by Docker's rules: 127 there is no such program, 126 it can't be run, 125 the rest.
 */
export function startFailureCode(error: CommandError): 125 | 126 | 127 {
  const { message } = error;
  // Others speak of missing files, too: a sysctl's, a device's.
  if (!/\bexec\b/.test(message) || (error instanceof ApiError && error.status >= 500)) return 125;
  if (/executable file not found|no such file or directory|ENOENT/i.test(message)) return 127;
  if (/permission denied|is a directory|exec format error|invalid argument|EACCES|ENOEXEC|EISDIR/i.test(message)) return 126;
  return 125;
}
