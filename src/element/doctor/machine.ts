/** What is read, not tried: cgroups, capabilities, security modules, KVM; and the Node and the addon that this runs by. See cgroups(7), capabilities(7). */
import { accessSync, constants, existsSync } from 'node:fs';
import { release } from 'node:os';
import { call, result } from '../../kernel/call.ts';
import { capabilitiesIn, ownCapabilityMasks } from '../../kernel/capability.ts';
import { readText } from '../../kernel/cgroupfs.ts';
import { openFlags } from '../../kernel/flags.ts';
import { readInChild } from '../../kernel/launch/child.ts';
import { performNow } from '../../kernel/perform.ts';
import { readSysctl } from '../../network/sysctl.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { hierarchyOf, titleOf, type CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { allCapabilities, maskText } from '../cap/text.ts';
import { mayMount } from '../overlay/mount.ts';
import { makeFilesystem } from '../../runtime/rootfs/mount-steps.ts';
import { apart, asRoot, same, type Check } from './check.ts';

const can = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
};

const limits = ['cpu', 'memory', 'pids', 'cpuset', 'io'];

/** Where each controller lies, and whether this user may make cgroups there. */
export function cgroups(): Check {
  const about = { id: 'cgroups', name: { en: 'cgroups', ja: 'cgroup' }, essential: true, how: 'read' } as const;
  let layout: CgroupLayout;
  try {
    layout = detectCgroups();
  } catch (error) {
    return {
      ...about,
      status: 'missing',
      found: { en: 'none is mounted', ja: 'マウントされていない' },
      reason: same((error as Error).message),
      remedy: same('mount -t cgroup2 none /sys/fs/cgroup'),
      facts: {},
    };
  }
  const { mode, hierarchies, delegated, deviceFilter } = layout;
  const absent = limits.filter((name) => hierarchyOf(layout, name) === undefined);
  const writable = delegated !== undefined || hierarchies.some(({ mountPoint, controllers }) => controllers.length > 0 && can(mountPoint, constants.W_OK));
  const places = hierarchies.map((h) => (h.version === 2 ? `unified (v2): ${h.controllers.join(' ') || '-'}` : `${titleOf(h)} (v1)`)).join(', ');
  const found = same(`${mode}: ${places}`);
  const facts = {
    mode,
    hierarchies: hierarchies.map(({ version, mountPoint, controllers, name }) => ({ version, mountPoint, controllers, ...(name !== undefined && { name }) })),
    missing: absent,
    writable,
    delegated: delegated?.directory ?? null,
    deviceFilter,
  };
  if (!writable)
    return {
      ...about,
      status: process.geteuid!() === 0 ? 'missing' : 'limited',
      found,
      reason: { en: 'this user may make no cgroup', ja: 'このユーザーは cgroup を作れない' },
      remedy:
        process.geteuid!() === 0
          ? { en: 'mount the cgroup file systems writable', ja: 'cgroup のファイルシステムを書き込めるようにマウントする' }
          : {
              en: 'be root, or with systemd: systemd-run --user --scope -p Delegate=yes bash',
              ja: 'root になるか、systemd なら: systemd-run --user --scope -p Delegate=yes bash',
            },
      facts,
    };
  if (absent.length)
    return {
      ...about,
      status: 'limited',
      found,
      reason: {
        en: `no controller ${absent.join(', ')}: limits of it can not be set`,
        ja: `コントローラー ${absent.join('、')} がなく、その制限をかけられない`,
      },
      remedy: {
        en: 'turn it on in the kernel (see /proc/cgroups; cgroup_disable= at boot)',
        ja: 'カーネルで有効にする (/proc/cgroups と起動時の cgroup_disable= を見る)',
      },
      facts,
    };
  return { ...about, status: 'ok', found, facts };
}

/** Those that are in force for this process. Root without one of them is root in a container, or on a machine that took it away. */
export function capabilities(): Check {
  const { effective } = ownCapabilityMasks();
  const names = capabilitiesIn(effective);
  const lacking = capabilitiesIn(allCapabilities() & ~effective);
  const facts = { effective: names, missing: lacking, CAP_SYS_RESOURCE: names.includes('CAP_SYS_RESOURCE') };
  const admin = names.includes('CAP_SYS_ADMIN');
  const text = maskText(effective);
  const found = names.length ? { en: text, ja: text.replace(/^all but (.*)/, '$1 以外のすべて').replace(/^all$/, 'すべて') } : { en: 'none', ja: 'なし' };
  const about = { id: 'capabilities', name: { en: 'capabilities', ja: 'ケーパビリティ' }, essential: true, how: 'read', found, facts } as const;
  if (lacking.length === 0) return { ...about, status: 'ok' };
  if (process.geteuid!() !== 0)
    return {
      ...about,
      status: 'limited',
      reason: {
        en: 'only root has them over the machine; the engine of this user has them all in a user namespace of its own',
        ja: 'マシン全体に対して持つのは root だけ。このユーザーのエンジンは、自分のユーザー名前空間の中で全部を持つ',
      },
      remedy: asRoot,
    };
  return {
    ...about,
    status: admin ? 'limited' : 'missing',
    reason: facts.CAP_SYS_RESOURCE
      ? { en: `root lacks ${lacking.join(', ')}`, ja: `root に ${lacking.join('、')} がない` }
      : {
          en: 'without CAP_SYS_RESOURCE no hard limit can be raised (--ulimit), nor oom_score_adj lowered',
          ja: 'CAP_SYS_RESOURCE がないと、ハードリミットを上げること (--ulimit) も oom_score_adj を下げることもできない',
        },
    remedy: { en: 'start this from a root that has it: outside of the container that took it away', ja: 'それを持つ root から始める: 奪ったコンテナの外で' },
  };
}

/** The list, where securityfs is not mounted: a child mounts it for itself alone. */
function listFromChild(): string | undefined {
  if (!mayMount()) return undefined;
  const securityfs = makeFilesystem('securityfs', 'securityfs', []);
  const file = call('openat', [result(securityfs.at(-1)!), 'lsm', openFlags.O_CLOEXEC, 0]);
  const buffer = new Uint8Array(1024);
  const { values, bytes } = readInChild([...apart(), ...securityfs, file, call('read', [result(file), buffer, buffer.length])], buffer);
  const length = values.at(-1) ?? -1;
  return length < 0 ? undefined : Buffer.from(bytes.subarray(0, length)).toString().trim();
}

/** Security modules in their order, and how far Yama lets one process trace another. */
export function securityModules(): Check {
  const mounted = readText('/sys/kernel/security/lsm');
  const list = mounted ?? listFromChild();
  const yama = readSysctl(['kernel', 'yama', 'ptrace_scope']);
  const modules = list?.split(',') ?? [];
  const strict = Number(yama ?? 0) >= (process.geteuid!() === 0 ? 3 : 2);
  const enabled = readText('/sys/module/apparmor/parameters/enabled');
  const facts = {
    modules: list === undefined ? null : modules,
    apparmor: enabled === undefined ? null : enabled === 'Y',
    'kernel.yama.ptrace_scope': yama ?? null,
  };
  const shown =
    list === undefined ? { en: 'no list of modules (no securityfs here)', ja: 'モジュールの一覧がない (securityfs がない)' } : same(modules.join(', '));
  const scope = (none: string): string => (yama === undefined ? `; ${none}` : `; yama.ptrace_scope ${yama}`);
  return {
    id: 'security-modules',
    name: { en: 'security modules', ja: 'セキュリティモジュール' },
    status: strict ? 'limited' : 'ok',
    essential: false,
    how: mounted === undefined && list !== undefined ? 'tried' : 'read',
    found: { en: shown.en + scope('no Yama'), ja: shown.ja + scope('Yama なし') },
    ...(strict && {
      reason: { en: 'Yama lets this user trace no process', ja: 'Yama がこのユーザーに ptrace を許さない' },
      remedy: {
        en: 'as root: sysctl -w kernel.yama.ptrace_scope=1 (3 stays until a reboot)',
        ja: 'root で: sysctl -w kernel.yama.ptrace_scope=1 (3 は再起動まで戻せない)',
      },
    }),
    facts,
  };
}

/** Only the tests that start virtual machines need it. */
export function kvm(): Check {
  const there = existsSync('/dev/kvm');
  const usable = there && can('/dev/kvm', constants.R_OK | constants.W_OK);
  const about = { id: 'kvm', name: same('/dev/kvm'), essential: false, how: 'read', facts: { present: there, usable } } as const;
  if (usable) return { ...about, status: 'ok', found: { en: 'there, and may be opened', ja: 'あり、開いてよい' } };
  return {
    ...about,
    status: there ? 'limited' : 'missing',
    found: there ? { en: 'there', ja: 'ある' } : { en: 'not there', ja: 'ない' },
    reason: there
      ? { en: 'this user may not open it', ja: 'このユーザーは開けない' }
      : { en: 'no hardware virtualization here', ja: 'ハードウェア仮想化がない' },
    remedy: there
      ? { en: 'join the group kvm; only virtual machines need it', ja: 'グループ kvm に入る。要るのは仮想マシンだけ' }
      : { en: 'no container needs it; virtual machines are emulated without', ja: 'コンテナには要らない。仮想マシンはエミュレーションで動く' },
  };
}

/** What scripts/build.ts makes the bundles for: the Node that only runs the set-up may be older. */
const bundledFor = 24;

/** Both have shown that they work by running this; the addon once more by a call whose answer is known. */
export function software(): Check[] {
  const major = Number(process.versions.node.split('.')[0]);
  const pid = performNow(call('getpid', []));
  return [
    {
      id: 'node',
      name: same('Node.js'),
      status: major >= bundledFor ? 'ok' : 'missing',
      essential: true,
      how: 'read',
      found: same(`${process.version} (${process.arch}, Linux ${release()})`),
      ...(major < bundledFor && {
        reason: {
          en: `hako is bundled for Node ${bundledFor}, which package-lock.json pins`,
          ja: `hako は package-lock.json が定める Node ${bundledFor} 用に作られている`,
        },
        remedy: { en: 'start it by the script hako, in the directory of the clone', ja: 'クローンのディレクトリーにあるスクリプト hako で始める' },
      }),
      facts: { version: process.version, arch: process.arch, kernel: release() },
    },
    {
      id: 'addon',
      name: { en: 'system calls', ja: 'システムコール' },
      status: pid === process.pid ? 'ok' : 'missing',
      essential: true,
      how: 'tried',
      found: { en: `made by an addon of hako's own (getpid() = ${pid})`, ja: `hako 自身のアドオンで呼べる (getpid() = ${pid})` },
      ...(pid !== process.pid && { reason: same(`getpid() = ${pid}, not ${process.pid}`), remedy: same('npm run build') }),
      facts: { getpid: pid },
    },
  ];
}
