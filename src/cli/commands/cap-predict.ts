/** `hako cap predict`: what execve of a file will give, why, and whether the kernel does the same. */
import { predict, predictAndCheck } from '../../element/cap/predict.ts';
import type { PredictionView } from '../../element/cap/view.ts';
import { capFlags, chosenBy } from '../cap-flags.ts';
import { predictionText } from '../cap-text.ts';
import { defineCommand, UsageError } from '../command.ts';
import { namedProcess } from '../containers-known.ts';
import { explainFlag, refusal, take } from '../element.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';
import { ownEnvironment } from '../own-environment.ts';
import { textWidth } from '../paint.ts';
import { printableLines } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] FILE', '--of PID|CONTAINER [OPTIONS] FILE'],
  description:
    'Nothing is executed without --check; with it the file is, in a process that the kernel ends\nbefore its first instruction. The exit code is 1 when the kernel did otherwise.',
  count: [1, 1],
  flags: {
    check: { kind: 'bool', help: 'Have the kernel do it too, and compare' },
    explain: explainFlag,
    format: streamFormatFlag,
    of: { kind: 'string', placeholder: 'process', help: 'Executed by this process, as it is, in its own root directory', completes: 'running' },
    ...capFlags,
  },
  async run({ flags, args: [file = ''], given }) {
    const chosen = chosenBy(flags, given);
    const env = ownEnvironment();
    if (flags.of !== undefined) {
      const other = [...given].find((flag) => flag in capFlags || flag === 'check' || flag === 'explain');
      if (other) throw new UsageError(`--${other} is of no use with --of: that process is as it is`);
    }
    if (flags.explain !== undefined && !flags.check) throw new UsageError('--explain shows the steps of --check: without it nothing is done');
    let view: PredictionView | undefined;
    if (flags.check) {
      view = await take(predictAndCheck(file, env, chosen), flags.explain);
      if (!view) return 0;
    } else {
      const pid = flags.of === undefined ? undefined : await namedProcess(flags.of);
      try {
        view = predict({ file, env, by: pid === undefined ? { chosen } : { pid } });
      } catch (error) {
        throw refusal(error);
      }
    }
    process.stdout.write(flags.format ? await formatObjects([view], flags.format) : printableLines(predictionText(view, textWidth())));
    return view.agrees === false ? 1 : 0;
  },
});
