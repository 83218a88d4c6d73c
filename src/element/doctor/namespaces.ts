/** User and time namespaces, ids that are delegated, idmapped mounts. See user_namespaces(7), time_namespaces(7), subuid(5), mount_setattr(2). */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { call, result } from '../../kernel/call.ts';
import { readText } from '../../kernel/cgroupfs.ts';
import { cloneFlags, mountAttrs, prctlOptions } from '../../kernel/flags.ts';
import { performNow } from '../../kernel/perform.ts';
import { readSysctl } from '../../network/sysctl.ts';
import { idMapNamespace } from '../../runtime/id-map.ts';
import { cloneTree, setAttributes } from '../../runtime/rootfs/mount-steps.ts';
import { candidatesFor } from '../../runtime/program-steps.ts';
import { applied } from '../interpret.ts';
import { mayMount } from '../overlay/mount.ts';
import { apart, attempt, failureText, same, tried, type Check, type Failure } from './check.ts';

const nobody = 65534;

/**
 * Whether an ordinary user may make a user namespace and be privileged in it, tried as `nobody`.
 * @returns undefined when so, `unknown` where this process can't become nobody
 */
function asNobody(): Failure | 'unknown' | undefined {
  const dumpable = performNow(call('prctl', [prctlOptions.PR_GET_DUMPABLE, 0, 0, 0, 0]));
  const become = [call('setgroups', [0, null]), call('setresgid', [nobody, nobody, nobody]), call('setresuid', [nobody, nobody, nobody])];
  const failure = attempt([...become, call('unshare', [cloneFlags.CLONE_NEWUSER]), call('unshare', [cloneFlags.CLONE_NEWNS])]);
  // The child had our memory, which the kernel made undumpable when its user changed.
  performNow(call('prctl', [prctlOptions.PR_SET_DUMPABLE, dumpable, 0, 0, 0]));
  return failure && failure.call.startsWith('set') ? 'unknown' : failure;
}

/** Tried as this user, and by root as nobody too, since the switches of distributions hold for ordinary users alone. */
export function userNamespaces(): Check {
  const switches = {
    'kernel.unprivileged_userns_clone': readSysctl(['kernel', 'unprivileged_userns_clone']),
    'user.max_user_namespaces': readSysctl(['user', 'max_user_namespaces']),
    'kernel.apparmor_restrict_unprivileged_userns': readSysctl(['kernel', 'apparmor_restrict_unprivileged_userns']),
  };
  const own = attempt(apart(0, true));
  const root = process.geteuid!() === 0;
  const ordinary = root && !own ? asNobody() : own;
  const off =
    switches['user.max_user_namespaces'] === '0'
      ? 'sysctl -w user.max_user_namespaces=15000'
      : switches['kernel.unprivileged_userns_clone'] === '0'
        ? 'sysctl -w kernel.unprivileged_userns_clone=1'
        : switches['kernel.apparmor_restrict_unprivileged_userns'] === '1'
          ? 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'
          : undefined;
  const about = { id: 'user-namespaces', name: { en: 'user namespaces', ja: 'ユーザー名前空間' }, essential: false, how: 'tried' } as const;
  const facts = { sysctls: switches, self: own?.code ?? 'ok', ordinaryUser: ordinary === 'unknown' ? 'unknown' : (ordinary?.code ?? 'ok') };
  if (!ordinary)
    return {
      ...about,
      status: 'ok',
      found: root ? { en: 'for root and for ordinary users', ja: 'root も一般ユーザーも作れる' } : { en: 'made one', ja: '作れた' },
      facts,
    };
  return {
    ...about,
    status: own ? 'missing' : 'limited',
    found: own ? { en: 'none can be made', ja: '作れない' } : { en: 'for root; not for ordinary users', ja: 'root は作れるが、一般ユーザーは不可' },
    reason:
      ordinary === 'unknown' ? { en: 'this process can not become nobody to try', ja: '試すために nobody になることができない' } : same(failureText(ordinary)),
    remedy: off
      ? { en: `as root: ${off}`, ja: `root で: ${off}` }
      : {
          en: 'a seccomp filter or a security module forbids it: look at the container or the policy that this runs under',
          ja: 'seccomp フィルターかセキュリティモジュールが禁じている: これを囲むコンテナや方針を確かめる',
        },
    facts,
  };
}

/** Made by a child, which can't be in it itself but could have children there. */
export function timeNamespaces(): Check {
  const failure = attempt([...apart(), call('unshare', [cloneFlags.CLONE_NEWTIME])]);
  return tried(
    { id: 'time-namespaces', name: { en: 'time namespaces', ja: '時刻の名前空間' }, essential: false, found: { en: 'made one', ja: '作れた' } },
    failure,
    { en: 'needs Linux 5.6 with CONFIG_TIME_NS; only hako ns run --time does', ja: 'Linux 5.6 以降で CONFIG_TIME_NS が要る。使うのは hako ns run --time だけ' },
  );
}

/** The file system that layers are on, seen through a map; a copy of the mount that is attached nowhere. */
export async function idmappedMounts(directory: string): Promise<Check> {
  const about = {
    id: 'idmapped-mounts',
    name: { en: 'idmapped mounts', ja: 'idmap マウント' },
    essential: false,
    found: { en: `of the file system of ${directory}`, ja: `${directory} のファイルシステムでできる` },
  };
  const remedy = {
    en: 'containers with a user namespace need it (--userns): put HAKO_ROOT on ext4, xfs or btrfs, on Linux 5.12 or later',
    ja: 'ユーザー名前空間を持つコンテナ (--userns) に要る: HAKO_ROOT を Linux 5.12 以降の ext4、xfs、btrfs に置く',
  };
  // A user namespace's own root may map the file systems that were mounted in it, not this one.
  if (!mayMount()) return tried(about, attempt([cloneTree(directory, false)]), remedy);
  try {
    const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const namespace = await applied(idMapNamespace({ uidMappings: map, gidMappings: map }));
    const tree = cloneTree(directory, false);
    return tried(about, attempt([...apart(), tree, setAttributes(result(tree), { set: mountAttrs.MOUNT_ATTR_IDMAP, userns: namespace })]), remedy);
  } catch (error) {
    return {
      ...about,
      status: 'missing',
      how: 'tried',
      found: { en: 'no map can be made', ja: '対応表を作れない' },
      reason: same((error as Error).message),
      remedy,
      facts: {},
    };
  }
}

const lines = (path: string): string[] => {
  try {
    return (readText(path) ?? '').split('\n').filter(Boolean);
  } catch {
    return [];
  }
};

/** What ids the user may map: by /etc/subuid and a set-user-ID newuidmap(1); root may map any. @param path the variable PATH */
export function delegatedIds(path: string | undefined): Check {
  const uid = process.geteuid!();
  let name = String(uid);
  try {
    name = userInfo().username;
  } catch {
    // An id without a name may still stand in the files as a number.
  }
  const of = (path: string): string[] => lines(path).filter((line) => line.startsWith(`${name}:`) || line.startsWith(`${uid}:`));
  const [subuid, subgid] = [of('/etc/subuid'), of('/etc/subgid')];
  const program = candidatesFor('newuidmap', path === undefined ? [] : [`PATH=${path}`]).find((file) => existsSync(file));
  const facts = { user: name, subuid, subgid, newuidmap: program ?? null };
  const about = { id: 'delegated-ids', name: { en: 'delegated ids', ja: '委ねられた ID' }, essential: false, how: 'read', facts } as const;
  if (uid === 0) return { ...about, status: 'ok', found: { en: 'root may map any id', ja: 'root はどの ID でも対応づけられる' } };
  if (program && subuid.length && subgid.length) return { ...about, status: 'ok', found: same(`${subuid.join(' ')} (${program})`) };
  return {
    ...about,
    status: 'limited',
    found: { en: 'only its own id can be mapped', ja: '自分の ID だけ対応づけられる' },
    reason: program
      ? { en: `no line for ${name} in /etc/subuid and /etc/subgid`, ja: `/etc/subuid と /etc/subgid に ${name} の行がない` }
      : { en: 'newuidmap(1) is not installed', ja: 'newuidmap(1) が入っていない' },
    remedy: program ? same(`sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`) : same('sudo apt install uidmap'),
  };
}
