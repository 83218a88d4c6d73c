/** `hako logs`: what a container wrote. */
import { segment, send } from '../client.ts';
import { defineCommand, UsageError } from '../command.ts';
import { copyOutput, multiplexedType } from '../output.ts';
import { timeFlag } from '../time-flag.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER'],
  count: [1, 1],
  completes: ['container'],
  flags: {
    details: { kind: 'bool', help: 'Show extra details provided to logs' },
    follow: { kind: 'bool', short: 'f', help: 'Follow log output' },
    since: { kind: 'string', help: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)' },
    tail: { kind: 'string', short: 'n', help: 'Number of lines to show from the end of the logs', default: 'all' },
    timestamps: { kind: 'bool', short: 't', help: 'Show timestamps' },
    until: { kind: 'string', help: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)' },
  },
  async run({ flags, args: [name = ''] }) {
    const { tail = 'all' } = flags;
    if (tail !== 'all' && !/^-?\d+$/.test(tail)) throw new UsageError(`invalid argument "${tail}" for "-n, --tail" flag: it must be a number of lines or all`);
    const query = {
      stdout: true,
      stderr: true,
      details: flags.details,
      follow: flags.follow,
      timestamps: flags.timestamps,
      tail: tail.startsWith('-') ? 'all' : tail,
      since: timeFlag('since', flags.since),
      until: timeFlag('until', flags.until),
    };
    const response = await send('GET', `/containers/${segment(name)}/logs`, { query });
    await copyOutput(response, response.headers['content-type'] !== multiplexedType);
  },
});
