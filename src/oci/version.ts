/** What `hako-oci --version` says, in the lines that Docker, containerd and podman read of runc. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { specVersion } from './spec-version.ts';

/** `NAME version VERSION`, `commit: HASH`, `spec: VERSION`. */
export function versionText(): string {
  const commit = read('built-from')?.trim(); // beside the bundle; not there when the sources are run
  return `hako-oci version ${ownVersion()}\n${commit ? `commit: ${commit}\n` : ''}spec: ${specVersion}\n`;
}

/** package.json's, above this file in the source tree and in the bundle alike. */
export function ownVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    const text = read(up);
    if (text === undefined) continue;
    const { name, version } = JSON.parse(text) as { name?: string; version?: string };
    if (name === 'hakobune' && version) return version;
  }
  return 'unknown';
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(import.meta.dirname, path), 'utf8');
  } catch {
    return undefined;
  }
}
