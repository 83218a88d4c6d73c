/**
 * What an exercise may need of the machine or of the lab, each tried out and not guessed by a version. An exercise whose need is not
 * met is skipped, with the reason and what would enable it.
 */
import { existsSync } from 'node:fs';
import type { Text } from './exercise.ts';
import { kernelImage } from './kernel-image.ts';
import type { LabHierarchy } from '../lab/place.ts';
import type { Ran } from './look/look.ts';

/** Where a need is looked for. */
export interface Ground {
  readonly hierarchies: readonly LabHierarchy[];
  /** Runs a program in the lab. */
  readonly run: (args: readonly string[]) => Promise<Ran>;
}

/** @returns why it is not met, and what would enable it; undefined where it is met */
type Probe = (ground: Ground) => Promise<Text | undefined> | Text | undefined;

const controller =
  (name: string, option: string): Probe =>
  ({ hierarchies }) =>
    hierarchies.some(({ controllers }) => controllers.includes(name))
      ? undefined
      : {
          en: `the lab has no cgroup controller ${name}: the kernel needs ${option}, and an ordinary user a delegation of it (systemd: Delegate=yes)`,
          ja: `ラボに cgroup の ${name} コントローラーがない。カーネルに ${option} が必要で、一般ユーザーの場合はさらに委譲(systemd なら Delegate=yes)が必要`,
        };

/** A program that the lab takes from the machine's /usr. */
const program =
  (name: string, debian: string): Probe =>
  async ({ run }) =>
    (await run(['sh', '-c', 'command -v "$1"', 'sh', name])).code === 0
      ? undefined
      : { en: `${name} is not on this machine: apt-get install ${debian}`, ja: `このマシンに ${name} がない: apt-get install ${debian}` };

/** Something that is tried by a line of sh(1) in the lab; it leaves nothing. */
const trial =
  (lines: string, reason: Text): Probe =>
  async ({ run }) =>
    (await run(['unshare', '-m', 'sh', '-c', lines])).code === 0 ? undefined : reason;

export const needs = {
  'cgroup-cpu': controller('cpu', 'CONFIG_CGROUP_SCHED'),
  'cgroup-memory': controller('memory', 'CONFIG_MEMCG'),
  'cgroup-pids': controller('pids', 'CONFIG_CGROUP_PIDS'),
  'cgroup-devices': ({ hierarchies }) =>
    hierarchies.some(({ version, controllers }) => version === 1 && controllers.includes('devices'))
      ? undefined
      : {
          en: 'the device list is of cgroup v1; on v2 a program for BPF takes its place, which no file shows: see hako run --explain and its step cgroup.devices',
          ja: 'デバイスの一覧は cgroup v1 のもの。v2 では BPF のプログラムが代わりを務め、ファイルには現れない: hako run --explain の cgroup.devices の手順を参照',
        },
  'cgroup-freezer': ({ hierarchies }) =>
    hierarchies.some(({ version, controllers }) => version === 2 || controllers.includes('freezer'))
      ? undefined
      : {
          en: 'the lab has no cgroup that can be frozen: the kernel needs CONFIG_CGROUP_FREEZER',
          ja: 'フリーズできる cgroup がラボにない。カーネルに CONFIG_CGROUP_FREEZER が必要',
        },
  'cgroup-v2': ({ hierarchies }) =>
    hierarchies.some(({ version }) => version === 2)
      ? undefined
      : { en: 'no cgroup v2 is mounted on this machine', ja: 'このマシンには cgroup v2 がマウントされていない' },
  pressure: () =>
    existsSync('/proc/pressure/cpu')
      ? undefined
      : { en: 'the kernel keeps no pressure figures: boot it with psi=1', ja: 'カーネルが PSI を記録していない: psi=1 を付けて起動する' },
  'time-namespace': () =>
    existsSync('/proc/self/ns/time')
      ? undefined
      : { en: 'time namespaces need Linux 5.6 with CONFIG_TIME_NS', ja: 'time namespace には Linux 5.6 と CONFIG_TIME_NS が必要' },
  'tmpfs-xattr': trial(
    'mount -t tmpfs t /mnt && cd /mnt && mkdir l u w m && mkdir l/d && touch l/d/f && mount -t overlay -o userxattr,lowerdir=l,upperdir=u,workdir=w o m && rm -r m/d && mkdir m/d && test ! -e m/d/f',
    {
      en: 'an overlay on tmpfs cannot mark a directory as opaque here: it needs Linux 6.6 (extended attributes of users on tmpfs)',
      ja: 'tmpfs 上の OverlayFS でディレクトリーを opaque にできない: Linux 6.6(tmpfs の user 拡張属性)が必要',
    },
  ),
  engine: ({ hierarchies }) =>
    hierarchies.length > 0
      ? undefined
      : {
          en: 'the lab has no cgroups of its own, and the engine in it starts no container without: an ordinary user needs a delegation (systemd: Delegate=yes)',
          ja: 'ラボに自分の cgroup がなく、中のエンジンがコンテナを起動できない。一般ユーザーの場合は委譲(systemd なら Delegate=yes)が必要',
        },
  strace: program('strace', 'strace'),
  ip: program('ip', 'iproute2'),
  nft: program('nft', 'nftables'),
  setcap: program('setcap', 'libcap2-bin'),
  perl: program('perl', 'perl-base'),
  newuidmap: program('newuidmap', 'uidmap'),
  curl: program('curl', 'curl'),
  'virtual-machine': async (ground) =>
    process.arch !== 'x64'
      ? { en: 'the virtual machine of this exercise is one for x86-64', ja: 'この演習の仮想マシンは x86-64 用' }
      : ((await program('qemu-system-x86_64', 'qemu-system-x86')(ground)) ??
        (await program('cpio', 'cpio')(ground)) ??
        (kernelImage() === undefined
          ? {
              en: 'no kernel image of this machine can be read (/boot/vmlinuz-*): run hako as root, apt-get install linux-image-cloud-amd64, or name one in HAKO_KERNEL',
              ja: '読めるカーネルのイメージ(/boot/vmlinuz-*)がこのマシンにない: root で hako を使うか、apt-get install linux-image-cloud-amd64 を実行するか、HAKO_KERNEL で指定する',
            }
          : undefined)),
} as const satisfies Readonly<Record<string, Probe>>;

export type NeedName = keyof typeof needs;

/** Why some needs are not met, in their order; empty where all are. */
export async function unmet(names: readonly NeedName[], ground: Ground): Promise<Text[]> {
  const answers: Text[] = [];
  for (const name of names) {
    const answer = await needs[name](ground);
    if (answer) answers.push(answer);
  }
  return answers;
}
