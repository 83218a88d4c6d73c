/** `hako-oci spec`: writes a config.json to begin with, as `runc spec` does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineCommand } from '../command.ts';
import { firstConfig } from '../first-config.ts';
import { because, OciError } from '../error.ts';

export const command = defineCommand({
  usage: '',
  description: 'It runs `sh` in the directory `rootfs` of the bundle.',
  count: [0, 0],
  flags: {
    bundle: { kind: 'string', short: 'b', placeholder: 'directory', help: 'where the file is written', default: '.' },
    rootless: { kind: 'bool', help: 'for a container that its user, without being root, can run' },
  },
  run({ flags }) {
    const path = join(flags.bundle || '.', 'config.json');
    try {
      writeFileSync(path, `${JSON.stringify(firstConfig(flags.rootless), undefined, '\t')}\n`, { flag: 'wx' });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new OciError(code === 'EEXIST' ? `${path} exists: remove it first` : `${path} could not be written: ${because(error)}`);
    }
  },
});
