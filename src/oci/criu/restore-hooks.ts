/**
 * The hooks of a restored container (`prestart`, `createRuntime`): what sets up its network must do so before its processes go on. criu
 * calls a script when the namespaces are made; that tells us by a FIFO, and waits at another until the hooks have run.
 * The other hooks belong to the making of its root and to the start of its program, which a restore does not do again.
 */
import { closeSync, openSync, read, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { call } from '../../kernel/call.ts';
import { AT_FDCWD } from '../../kernel/flags.ts';
import { must } from '../../kernel/perform.ts';
import { word } from '../../step/shell.ts';

/**
 * Restores with hooks.
 * @param own a directory of our own
 * @param hooks runs them, given the container's first process
 * @param restore runs criu with further words
 * @returns criu's exit status @throws what the hooks threw
 */
export async function restoreWithHooks(
  own: string,
  hooks: (pid: number) => Promise<void>,
  restore: (words: readonly string[]) => Promise<number>,
): Promise<number> {
  const [asked, answered, script] = [join(own, 'asked'), join(own, 'answered'), join(own, 'at-namespaces')];
  for (const path of [asked, answered]) must(call('mknodat', [AT_FDCWD, path, 0o010600, 0]));
  writeFileSync(
    script,
    `#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" = setup-namespaces ] || exit 0\necho "$CRTOOLS_INIT_PID" >${word(asked)}\nIFS= read -r answer <${word(answered)} && [ "$answer" = go ]\n`,
    { mode: 0o700 },
  );
  // Read and write: neither the opening waits for another end, nor is there an end of the file.
  const [question, answer] = [openSync(asked, 'r+'), openSync(answered, 'r+')];
  try {
    let failure: unknown;
    const asking = promisify(read)(question, Buffer.alloc(64), 0, 64, null).then(async ({ bytesRead, buffer }) => {
      const pid = Number(buffer.toString('latin1', 0, bytesRead).split('\n')[0]);
      if (!pid) return;
      await hooks(pid).catch((error: unknown) => (failure = error));
      writeSync(answer, failure === undefined ? 'go\n' : 'no\n');
    });
    const status = await restore(['--action-script', script]);
    writeSync(question, '\n'); // where criu has failed before it came so far
    await asking;
    if (failure !== undefined) throw failure;
    return status;
  } finally {
    closeSync(question);
    closeSync(answer);
  }
}
