/**
 * The search for a program before it is executed: a container that is created and not yet started is refused when it has no such
 * program. The process asks by itself, as its user and beneath its own root, since only there the answer is the one that
 * execve(2) will give. See access(2), execvp(3).
 */
import { call, type Call } from '../kernel/call.ts';
import { errno, errnoMessage } from '../kernel/errno.ts';
import { accessFlags, accessModes, AT_FDCWD } from '../kernel/flags.ts';
import { word } from '../step/shell.ts';
import type { Jump, Step, Verdict } from '../step/step.ts';
import { candidatesFor } from './program-steps.ts';

/**
 * Looks for a program, and ends the process where there is none.
 * After the change of user, and before whatever the process waits for. @param env the program's environment, whose PATH counts
 */
export function findProgramStep(args: readonly string[], env: readonly string[]): Step {
  const name = args[0] ?? '';
  const places = candidatesFor(name, env).map((file) => ({
    file,
    may: call('faccessat2', [AT_FDCWD, file, accessModes.X_OK, accessFlags.AT_EACCESS]),
    // A directory may be "executed", too. What is none has nothing beneath it.
    isDirectory: call('faccessat2', [AT_FDCWD, `${file}/.`, accessModes.F_OK, accessFlags.AT_EACCESS]),
  }));
  // A filter that is loaded by now may refuse the question itself. The root is always there: then nothing is known, and execve will say.
  const asks = call('faccessat2', [AT_FDCWD, '/', accessModes.F_OK, accessFlags.AT_EACCESS]);
  const jumps = new Map<Call, Jump>([[asks, { onError: 'done', onZero: 'fail' }]]);
  places.forEach(({ may, isDirectory }, i) => {
    const next = places[i + 1]?.may ?? asks;
    jumps.set(may, { onError: next });
    jumps.set(isDirectory, { onError: 'done', onZero: next });
  });
  const calls = [...places.flatMap(({ may, isDirectory }) => [may, isDirectory]), asks];
  return {
    id: 'process.find',
    what: `See that there is ${name || 'a program'}`,
    calls,
    jumps,
    verdict: (returned) =>
      returned.at(-1) === 0
        ? searchFailure(
            name,
            places.map(({ file }, i) => ({ file, may: returned[2 * i] ?? 0 })),
          )
        : undefined,
    get shell() {
      return `# env(1) looks for ${word(name)} itself, in the end.`;
    },
    look: 'cat /proc/$PID/wchan',
  };
}

/** Says why none of the places has the program. The words are those that callers of OCI runtimes look for. */
function searchFailure(name: string, places: readonly { readonly file: string; readonly may: number }[]): Verdict {
  const said = `exec: "${name}": `;
  if (!name.includes('/')) {
    const there = places.find(({ may }) => may === -errno.EACCES || may === 0);
    return { code: 127, message: `${said}executable file not found in $PATH${there ? ` (${there.file} is no file that this user may execute)` : ''}` };
  }
  const { file, may } = places[0]!;
  if (may === 0) return { code: 126, message: `${said}is a directory: permission denied` };
  if (may === -errno.EACCES) return { code: 126, message: `${said}permission denied` };
  return { code: may === -errno.ENOENT || may === -errno.ENOTDIR ? 127 : 126, message: `${said}stat ${file}: ${errnoMessage(-may).toLowerCase()}` };
}
