/** The end of a user's engine without containers that run: its namespaces go, and what connects them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { closeFd } from '../../kernel/file-at.ts';
import { lockNamespaces } from './enter.ts';
import { forgetNamespaces, readNamespaces } from './namespaces-file.ts';
import { endProcess } from './uplink.ts';

/** Ends the holder and the uplink; the kernel takes the namespaces away with the last process in them, this one. */
export async function leaveNamespaces(run: string): Promise<void> {
  // An engine that is started meanwhile waits, and then makes namespaces of its own.
  const lock = lockNamespaces(run);
  const record = readNamespaces(run);
  forgetNamespaces(run);
  if (record?.uplink) await endProcess(record.uplink.process);
  if (record) await endProcess(record.holder);
  for (const name of ['slirp4netns.sock', 'pasta.pid', 'uplink.log']) rmSync(join(run, name), { force: true });
  closeFd(lock);
}
