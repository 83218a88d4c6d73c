/** What connects the network of an ordinary user's engine with the host's: slirp4netns(1) or pasta(1), by a tun device. */
import { accessSync, constants, existsSync } from 'node:fs';
import { candidatesFor } from '../../runtime/program-steps.ts';
import { same, type Check } from './check.ts';

const device = '/dev/net/tun';

/** @param path the environment's PATH */
export function uplink(path: string | undefined): Check {
  const find = (program: string): string | undefined => candidatesFor(program, path === undefined ? [] : [`PATH=${path}`]).find((file) => existsSync(file));
  const [slirp4netns, pasta] = [find('slirp4netns'), find('pasta')];
  const facts = { slirp4netns: slirp4netns ?? null, pasta: pasta ?? null, tun: mayOpen() };
  const about = { id: 'uplink', name: { en: "a user's network", ja: '一般ユーザーのネットワーク' }, essential: false, how: 'read', facts } as const;
  if (process.geteuid!() === 0) return { ...about, status: 'ok', found: { en: 'root connects containers by itself', ja: 'root は自分でコンテナーをつなげる' } };
  const program = slirp4netns ?? pasta;
  const none = { en: 'containers reach each other only', ja: 'コンテナー同士だけがつながる' };
  if (program === undefined)
    return {
      ...about,
      status: 'limited',
      found: none,
      reason: { en: 'neither slirp4netns nor pasta is installed', ja: 'slirp4netns も pasta も入っていない' },
      remedy: same('sudo apt install slirp4netns'),
    };
  if (!facts.tun)
    return {
      ...about,
      status: 'limited',
      found: none,
      reason: { en: `this user may not open ${device}`, ja: `このユーザーは ${device} を開けない` },
      remedy: same(`sudo modprobe tun && sudo chmod 666 ${device}`),
    };
  if (slirp4netns !== undefined)
    return { ...about, status: 'ok', found: { en: `${slirp4netns}, which publishes ports, too`, ja: `${slirp4netns} (ポートも公開できる)` } };
  return {
    ...about,
    status: 'limited',
    found: { en: `${program}, for what containers begin`, ja: `${program} (コンテナーから始める通信だけ)` },
    reason: { en: 'ports are published by slirp4netns only', ja: 'ポートを公開できるのは slirp4netns だけ' },
    remedy: same('sudo apt install slirp4netns'),
  };
}

function mayOpen(): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
