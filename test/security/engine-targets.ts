/** The engine's containers as targets. */
import type { TestEngine } from '../support/engine.ts';
import { dockerArchive } from '../support/images.ts';
import type { TarEntry } from '../support/tar.ts';
import { withPerl } from './inside.ts';
import type { Asked, Outcome, Program, Session, Target } from './targets.ts';

/** The machine's programs over an image that has none. */
const withPrograms = ['usr:usr', 'usr/bin:bin', 'usr/sbin:sbin', 'usr/lib:lib', 'usr/lib64:lib64'].flatMap((pair) => {
  const [source, destination] = pair.split(':');
  return ['-v', `/${source}:/${destination}:ro`];
});

/** `engine run` and `engine exec`. */
export function engineTargets(engine: TestEngine): readonly Target[] {
  const images = new Map<readonly TarEntry[], Promise<string>>();
  const imageOf = (entries: readonly TarEntry[]): Promise<string> => {
    const known = images.get(entries);
    if (known) return known;
    const name = `test/attack${images.size}`;
    const loaded = engine
      .hako(['load', '-q'], { input: dockerArchive({ name: `${name}:latest`, layers: [entries], config: { Cmd: ['true'] } }) })
      .then(({ code, stderr }) => {
        if (code !== 0) throw new Error(stderr);
        return name;
      });
    images.set(entries, loaded);
    return loaded;
  };
  const lineOf = async (asked: Asked): Promise<string[]> => [
    ...(asked.capabilities ?? []).flatMap((name) => ['--cap-add', name]),
    ...(asked.groups ?? []).flatMap((group) => ['--group-add', String(group)]),
    ...(asked.unfiltered ? ['--security-opt', 'seccomp=unconfined'] : []),
    ...(asked.userNamespace ? ['--userns=private'] : []),
    '--network',
    asked.hostNetwork ? 'host' : 'none',
    ...(asked.readonlyRoot ? ['--read-only'] : []),
    ...(asked.volumes ?? []).flatMap(([source, destination]) => ['-v', `${source}:${destination}`]),
    ...Object.entries(asked.sysctl ?? {}).flatMap(([key, value]) => ['--sysctl', `${key}=${value}`]),
    ...(asked.oomScoreAdj === undefined ? [] : ['--oom-score-adj', String(asked.oomScoreAdj)]),
    ...(asked.pids === undefined ? [] : ['--pids-limit', String(asked.pids)]),
    ...(asked.memory === undefined ? [] : ['--memory', String(asked.memory), '--memory-swap', String(asked.memory)]),
    ...(asked.neighbour ? ['--pid', `container:${asked.neighbour.id}`] : []),
    ...(asked.image ? withPrograms : withPerl),
    asked.image ? await imageOf(asked.image) : 'base',
  ];
  const flagsOf = ({ user, cwd, terminal }: Program): string[] => [
    ...(user === undefined ? [] : [`--user=${user}`]),
    ...(cwd === undefined ? [] : ['--workdir', cwd]),
    ...(terminal ? ['--tty'] : []),
  ];

  const hold = async (asked: Asked): Promise<Session> => {
    const id = await engine.must('run', '-d', ...(await lineOf(asked)), '/usr/bin/sleep', '1000');
    return {
      id,
      run: (program, ...command) => engine.hako(['exec', ...flagsOf(program), id, ...command]),
      [Symbol.asyncDispose]: async () => void (await engine.must('rm', '-f', id)),
    };
  };
  const alike = async (asked: Asked): Promise<Session> => {
    const line = await lineOf(asked);
    return {
      id: '',
      run: (program, ...command): Promise<Outcome> => engine.hako(['run', '--rm', ...flagsOf(program), ...line, ...command]),
      [Symbol.asyncDispose]: async () => {},
    };
  };
  return [
    {
      name: 'engine run',
      open: alike,
      hold,
      newcomer: (held) => engine.hako(['run', '--rm', '--network', 'none', '--pid', `container:${held.id}`, 'base', 'true']),
    },
    { name: 'engine exec', open: hold, hold, newcomer: (held) => held.run({}, 'true') },
  ];
}
