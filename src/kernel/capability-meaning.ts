/**
 * What each capability is for, as a phrase that follows "may" for a process that has it and "cannot" for one that lacks it,
 * and the same as a noun phrase in Japanese. After capabilities(7), shortened to what a person meets.
 */
import type { capabilityNames } from './capability.ts';

/** The name of a capability that some kernel has. */
export type CapabilityName = (typeof capabilityNames)[number];

/** A capability's meaning in both languages. */
export interface CapabilityMeaning {
  readonly en: string;
  readonly ja: string;
}

const m = (en: string, ja: string): CapabilityMeaning => ({ en, ja });

export const capabilityMeanings: Readonly<Record<CapabilityName, CapabilityMeaning>> = {
  CAP_CHOWN: m('give files to another owner or group', 'ファイルの所有者とグループを変えること'),
  CAP_DAC_OVERRIDE: m('read, write and execute files whatever their permission bits say', '許可ビットに関わらずファイルを読み書き・実行すること'),
  CAP_DAC_READ_SEARCH: m(
    'read files and search directories whatever their permission bits say, and open files by handle',
    '許可ビットに関わらずファイルを読みディレクトリを辿ること、ハンドルでファイルを開くこと',
  ),
  CAP_FOWNER: m("change modes, times, ACLs and attributes of files that are another user's", '他人のファイルのモード・時刻・ACL・属性を変えること'),
  CAP_FSETID: m('keep set-user-ID and set-group-ID bits when a file is changed', 'ファイル変更後も set-user-ID・set-group-ID ビットを残すこと'),
  CAP_KILL: m("send signals to other users' processes", '他のユーザーのプロセスにシグナルを送ること'),
  CAP_SETGID: m('change its groups at will (setgid, setgroups)', 'グループを自由に変えること (setgid, setgroups)'),
  CAP_SETUID: m('become any user (setuid)', '任意のユーザーになること (setuid)'),
  CAP_SETPCAP: m('drop capabilities from its bounding set and set its securebits', '境界集合からケーパビリティを落とし securebits を変えること'),
  CAP_LINUX_IMMUTABLE: m('set the immutable and append-only attributes of files', 'ファイルの immutable・append-only 属性を変えること'),
  CAP_NET_BIND_SERVICE: m('bind to ports below 1024 (net.ipv4.ip_unprivileged_port_start)', '1024 未満のポートに bind すること'),
  CAP_NET_BROADCAST: m('broadcast and listen to multicasts', 'ブロードキャストとマルチキャストの受信'),
  CAP_NET_ADMIN: m('configure interfaces, addresses, routes and packet filters', 'インターフェース・アドレス・経路・パケットフィルターの設定'),
  CAP_NET_RAW: m('open raw and packet sockets, as ping and tcpdump do', 'raw ソケットとパケットソケットを開くこと (ping, tcpdump)'),
  CAP_IPC_LOCK: m('lock memory beyond RLIMIT_MEMLOCK', 'RLIMIT_MEMLOCK を超えてメモリを固定すること'),
  CAP_IPC_OWNER: m("use other users' System V IPC objects", '他のユーザーの System V IPC オブジェクトを使うこと'),
  CAP_SYS_MODULE: m('load and unload kernel modules', 'カーネルモジュールの読み込みと取り外し'),
  CAP_SYS_RAWIO: m("use the machine's I/O ports and memory directly", 'I/O ポートと物理メモリを直接使うこと'),
  CAP_SYS_CHROOT: m('change its root directory (chroot) and enter mount namespaces', 'ルートディレクトリの変更 (chroot) とマウント名前空間に入ること'),
  CAP_SYS_PTRACE: m('trace and read the memory of processes that have more rights', '自分より権限の多いプロセスを追跡しメモリを読むこと'),
  CAP_SYS_PACCT: m('turn process accounting on and off (acct)', 'プロセス会計の切り替え (acct)'),
  CAP_SYS_ADMIN: m(
    'mount file systems, set the host name, make and enter namespaces, and much else of administration',
    'マウント、ホスト名の設定、名前空間の作成と参加など、管理操作の多く',
  ),
  CAP_SYS_BOOT: m('reboot the machine and load another kernel', '再起動と別のカーネルの読み込み'),
  CAP_SYS_NICE: m("raise priorities and set other processes' scheduling", '優先度を上げ、他プロセスのスケジューリングを変えること'),
  CAP_SYS_RESOURCE: m('go beyond and raise resource limits, quotas and reserved space', '資源制限・クォータ・予約領域を超え、引き上げること'),
  CAP_SYS_TIME: m('set the system clock', 'システム時刻の設定'),
  CAP_SYS_TTY_CONFIG: m('hang terminals up and configure virtual consoles', '端末の切断と仮想コンソールの設定'),
  CAP_MKNOD: m('make device nodes', 'デバイスノードの作成'),
  CAP_LEASE: m("take leases on other users' files", '他のユーザーのファイルにリースを取ること'),
  CAP_AUDIT_WRITE: m("write to the kernel's audit log", 'カーネル監査ログへの書き込み'),
  CAP_AUDIT_CONTROL: m('configure kernel auditing', 'カーネル監査の設定'),
  CAP_SETFCAP: m('give capabilities to files, and map root of the namespace above', 'ファイルにケーパビリティを与えること'),
  CAP_MAC_OVERRIDE: m('override mandatory access control (Smack)', '強制アクセス制御 (Smack) を超えること'),
  CAP_MAC_ADMIN: m('configure mandatory access control', '強制アクセス制御の設定'),
  CAP_SYSLOG: m("read and clear the kernel's log, and see kernel addresses", 'カーネルログの読み出しと消去、カーネルアドレスを見ること'),
  CAP_WAKE_ALARM: m('set timers that wake the machine up', 'マシンを起こすタイマーの設定'),
  CAP_BLOCK_SUSPEND: m('keep the machine from suspending', 'サスペンドを妨げること'),
  CAP_AUDIT_READ: m('read the audit log by netlink', 'netlink での監査ログの読み出し'),
  CAP_PERFMON: m('watch performance events and load tracing eBPF programs', '性能イベントの監視と追跡用 eBPF の読み込み'),
  CAP_BPF: m('load eBPF programs and make maps', 'eBPF プログラムの読み込みとマップの作成'),
  CAP_CHECKPOINT_RESTORE: m('choose process ids and read map files, to restore processes', 'プロセス復元のための PID の選択と map_files の読み出し'),
};

/** What `name` allows; undefined for a number that has no name here. */
export function capabilityMeaning(name: string): CapabilityMeaning | undefined {
  return (capabilityMeanings as Readonly<Record<string, CapabilityMeaning>>)[name];
}
