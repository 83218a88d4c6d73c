/** All checks of `hako doctor`, the order from what carries everything to what is a comfort. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { dataDirectory } from '../../kernel/user-directories.ts';
import { deviceFilter, seccomp, systemCalls } from './calls.ts';
import type { Check } from './check.ts';
import { capabilities, cgroups, kvm, securityModules, software } from './machine.ts';
import { delegatedIds, idmappedMounts, timeNamespaces, userNamespaces } from './namespaces.ts';
import { forwarding, networkParts } from './network.ts';
import { existing, overlay, room, userOverlay } from './storage.ts';
import { uplink } from './uplink.ts';

/** Nearly all is read through it, or tried by what it tells. */
const withoutProcfs: Check = {
  id: 'procfs',
  name: { en: 'procfs', ja: 'procfs' },
  status: 'missing',
  essential: true,
  how: 'tried',
  found: { en: 'not mounted at /proc; nothing else could be tried', ja: '/proc にマウントされておらず、ほかは何も試せなかった' },
  reason: { en: 'there is no /proc/self/status', ja: '/proc/self/status がない' },
  remedy: { en: 'mount -t proc proc /proc', ja: 'mount -t proc proc /proc' },
  facts: {},
};

/** Makes them one after another. @param environment HAKO_ROOT, and PATH for newuidmap */
export async function examine(environment: Readonly<Record<string, string | undefined>>): Promise<Check[]> {
  if (!existsSync('/proc/self/status')) return [withoutProcfs];
  const root = resolve(dataDirectory(environment));
  return [
    ...software(),
    systemCalls(),
    capabilities(),
    cgroups(),
    deviceFilter(),
    seccomp(),
    securityModules(),
    userNamespaces(),
    delegatedIds(environment['PATH']),
    timeNamespaces(),
    overlay(),
    userOverlay(),
    await idmappedMounts(existing(root)),
    room(root),
    ...networkParts(),
    forwarding(),
    uplink(environment['PATH']),
    kvm(),
  ];
}
