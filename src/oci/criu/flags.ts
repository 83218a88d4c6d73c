/** The flags that checkpoint and restore have in common, and the words that they become for criu(8). Names are runc's. */
import { mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { errnoMessage } from '../../kernel/errno.ts';
import type { Flags, Values } from '../command.ts';
import { OciError } from '../error.ts';

export const criuFlags = {
  'image-path': { kind: 'string', placeholder: 'directory', help: 'where the checkpoint is', default: 'checkpoint' },
  'work-path': { kind: 'string', placeholder: 'directory', help: "where criu's log and other files go", default: 'that of the checkpoint' },
  'tcp-established': { kind: 'bool', help: 'also with open TCP connections' },
  'ext-unix-sk': { kind: 'bool', help: 'also with unix sockets whose other end is outside' },
  'shell-job': { kind: 'bool', help: 'also with the terminal of a shell' },
  'file-locks': { kind: 'bool', help: 'also with file locks, which only the container holds' },
  'manage-cgroups-mode': { kind: 'string', placeholder: 'soft|full|strict|ignore', help: 'what of its cgroups is kept', default: 'soft' },
  'empty-ns': { kind: 'string', placeholder: 'network', help: 'a namespace of which nothing is kept' },
  'auto-dedup': { kind: 'bool', help: 'free the memory of an earlier checkpoint that has changed' },
  'lazy-pages': { kind: 'bool', help: 'leave the memory to be fetched when it is used; userfaultfd(2)' },
} as const satisfies Flags;

type CriuValues = Values<typeof criuFlags>;

/** The words for all of them but the directories. @throws OciError */
export function criuWords(flags: CriuValues): string[] {
  const words: string[] = [];
  for (const name of ['tcp-established', 'ext-unix-sk', 'shell-job', 'file-locks', 'auto-dedup', 'lazy-pages'] as const)
    if (flags[name]) words.push(`--${name}`);
  const mode = flags['manage-cgroups-mode'] || 'soft';
  if (!['soft', 'full', 'strict', 'ignore'].includes(mode))
    throw new OciError(`invalid value "${mode}" of --manage-cgroups-mode: use soft, full, strict or ignore`);
  words.push(`--manage-cgroups=${mode}`);
  const empty = flags['empty-ns'];
  if (empty && empty !== 'network') throw new OciError(`invalid value "${empty}" of --empty-ns: use network`);
  if (empty) words.push('--empty-ns', 'net');
  return words;
}

/** The directory of a checkpoint, absolute; made where it is to be written. @throws OciError */
export function imageDirectory(flags: CriuValues, make: boolean): string {
  const directory = resolve(flags['image-path'] || 'checkpoint');
  try {
    if (make) mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (statSync(directory).isDirectory()) return directory;
  } catch (error) {
    throw new OciError(`the directory of the checkpoint ${directory} cannot be used: ${errnoMessage(-(error as NodeJS.ErrnoException).errno!)}`);
  }
  throw new OciError(`the directory of the checkpoint ${directory} is none`);
}

/** The directory for criu's other files, absolute; made if need be. @param otherwise where no flag says */
export function workDirectory(flags: CriuValues, otherwise: string): string {
  const directory = flags['work-path'] ? resolve(flags['work-path']) : otherwise;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}
