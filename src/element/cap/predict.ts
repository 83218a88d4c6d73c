/** `hako cap predict`: what execve(2) of a file will give a process, from the rules and, if asked, from the kernel itself. */
import { errnoName } from '../../kernel/errno.ts';
import { closeFd } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { call } from '../../kernel/call.ts';
import { performNow } from '../../kernel/perform.ts';
import type { Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { forbidden, isRefusal, ProcessDirectory, vanished } from '../ns/processes.ts';
import { credentialsIn, idsHere, readCredentials } from './credentials.ts';
import { predictExecve } from './execve.ts';
import { probe } from './probe.ts';
import { fileFor, notExecutable, readProgram } from './program.ts';
import { prepare, type Chosen } from './run.ts';
import { predictionView, type PredictionView } from './view.ts';

/** What is asked. */
export interface Question {
  /** A path, or a name that is looked for in PATH. */
  readonly file: string;
  readonly env: readonly string[];
  /** Who executes it: this process with sets that are chosen, or another process as it is, with its own root directory. */
  readonly by: { readonly chosen: Chosen } | { readonly pid: number };
}

/** Predicts. @throws ElementError for a process or file that there is not */
export function predict({ file, env, by }: Question): PredictionView {
  if ('chosen' in by) {
    const own = readCredentials(process.pid);
    return view(file, env, prepare(by.chosen, own).credentials, idsHere(own.namespace), undefined, undefined);
  }
  const directory = ProcessDirectory.of(by.pid);
  let root = -1;
  try {
    const credentials = credentialsIn(directory);
    root = performNow(call('openat', [AT_FDCWD, `${directory.path}/root`, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0]));
    if (isRefusal(root)) throw forbidden(by.pid, 'the files');
    if (root < 0) throw vanished(by.pid);
    return view(file, env, credentials, idsHere(credentials.namespace), root, undefined);
  } finally {
    if (root >= 0) closeFd(root);
    directory.close();
  }
}

/** Predicts, has the kernel do it, and compares. @throws ElementError where the process cannot be brought into being */
export function* predictAndCheck(file: string, env: readonly string[], chosen: Chosen): Procedure<PredictionView> {
  const own = readCredentials(process.pid);
  const { credentials, steps } = prepare(chosen, own);
  const program = readProgram(file, env);
  const reality = yield* probe(program.path, steps);
  if (reality.failed !== undefined) throw new ElementError(`the process that was to execute ${file} did not come so far: ${reality.failed}`);
  // In an explanation nothing happened.
  const happened = reality.credentials ?? reality.refused;
  return view(file, env, credentials, idsHere(own.namespace), undefined, happened === undefined ? undefined : reality);
}

function view(
  file: string,
  env: readonly string[],
  credentials: ReturnType<typeof prepare>['credentials'],
  maps: Pick<Parameters<typeof fileFor>[1], 'uidMap' | 'gidMap'>,
  root: number | undefined,
  reality: Parameters<typeof predictionView>[3]['reality'],
): PredictionView {
  const program = readProgram(file, env, root);
  const namespace = { root: credentials.root, ...maps };
  const prediction = predictExecve(credentials, fileFor(program, namespace));
  return predictionView(program, credentials, prediction, { forbidden: notExecutable(program, credentials, namespace), reality, errnoName });
}
