/** `hako why` が日本語で言うこと (what it says in Japanese), kind by kind as in why-words.ts. */
import type { Gate } from '../api/schema.ts';
import type { WhyWords } from './why-text.ts';

type Facts = Gate['facts'];

const rights: Readonly<Record<string, string>> = { read: '読み出し', write: '書き込み', execute: '実行', list: '一覧', change: '変更', search: '通過 (検索)' };
const list = (needs = ''): string =>
  needs
    .split('+')
    .map((word) => rights[word] ?? word)
    .join('と');

const namespaceOwners: Readonly<Record<string, string>> = {
  own: '自分のユーザー名前空間',
  initial: 'マシンの最初のユーザー名前空間',
  mnt: 'マウント名前空間を持つユーザー名前空間',
  uts: 'UTS 名前空間を持つユーザー名前空間',
  ipc: 'IPC 名前空間を持つユーザー名前空間',
  pid: 'PID 名前空間を持つユーザー名前空間',
  net: 'ネットワーク名前空間を持つユーザー名前空間',
  target: '相手のユーザー名前空間',
};

function permission(f: Facts): string {
  if (f['needs'] === 'own')
    return `${f['path']} の所有者 ${f['owner']} は、コンテナのユーザー名前空間にいません。そこでのケーパビリティは、このファイルには効きません。`;
  const role = { owner: '所有者として', group: 'グループの一員として', other: '所有者でもグループでもない者として', acl: 'ACL によって' }[f['as'] ?? ''] ?? '';
  const unknown = f['known'] === 'no' ? 'ファイルの所有者がコンテナのユーザー名前空間にいないので、そこでのケーパビリティも効きません。' : '';
  const nobody = f['nobody'] ? '実行ビットが 1 つもないので、root でも実行できません。' : '';
  return `${f['path']} はモード ${f['mode']}、所有者 ${f['owner']} です。ユーザー ${f['uid']} (グループ ${f['gid']}、追加グループ ${f['groups'] === 'none' ? 'なし' : f['groups']}) は${role}判定され、${list(f['needs'])}の権利がなく、${f['capability']} も持っていません。${unknown}${nobody}`;
}

function capability(f: Facts): string {
  const where = namespaceOwners[f['place'] ?? ''] ?? '';
  const has = f['own'] === 'yes' ? 'プロセスが持っているのは、別のユーザー名前空間 (自分の) でだけです。' : 'プロセスはそれを持っていません。';
  return `${f['man']} は、${where}での ${f['capability']} (${f['allowsJa']}) を求めます。${has}`;
}

function capabilityAdvice(f: Facts): string {
  if (f['reachable'] === 'no')
    return '独自のユーザー名前空間にいるコンテナのケーパビリティは、そこでは効きません。それが名前空間の目的です。--userns private をやめれば通りますが、中の root はマシンの root になります。';
  if (f['own'] === 'no' && f['bounding'] === 'yes')
    return `コンテナは ${f['capability']} を持てますが、このユーザーのプロセスにはありません。root で実行してください (hako exec --user 0)。そのときは、中の root にできることすべてができます。`;
  return `このケーパビリティを付けてコンテナを起動します。中の root のプロセスすべてに、次が許されます: ${f['allowsJa']}。`;
}

export const japanese: WhyWords = {
  refused: '断ったのは: ',
  likely: '(推定。決めたところは見えていません)',
  evidence: '証拠',
  doing: 'どうするか、それで何が開くか',
  option: 'オプション:',
  also: 'ほかにも断るもの:',
  counters: '動いたカウンタ',
  said: 'コマンドの言い分',
  order: '順番は上のとおりです。答えたのは最初のもので、それが通しても次が断ります。',
  all: '(--all で表示)',
  succeeded: (n) => (n ? '誰も止めませんでした。途中で断られたことはありますが、コマンドは成功しました。' : '誰も断っていません。コマンドは成功しました。'),
  survived: (n) => `断られても切り抜けたもの: ${n}`,
  failed: (code, n) =>
    `失敗を説明するような拒否は、カーネルにはありません。コマンドが自分で ${code} で終わりました${n ? `。失敗した ${n} 種の呼び出しは、どのプログラムにも普段からあるものです` : ''}。`,
  interrupted: (container) => `コマンドは、自分で終わる前に kill されました。誰かがシグナルを送ったか、コンテナ ${container} が終わりました。`,
  others: (n) => `ほかに断られた呼び出し: ${n}。`,
  more: (n) => `さらに ${n} 個 (記録していません)`,
  times: (n) => `(${n} 回)`,
  traced: (calls, processes, exit) => `${processes} 個のプロセスのシステムコール ${calls} 個を見ました。終了: ${exit}。`,
  gates: {
    seccomp: {
      name: 'コンテナの seccomp フィルター',
      verdict: (f) =>
        `フィルターに ${f['call']} をこの引数で尋ねると、答えは「${f['action']}」です。呼び出しは、カーネル本体の検査まで届いていません。${f['unlock'] ? `エンジンのフィルターがこれを通すのは、${f['unlock']} があるときだけです。` : ''}`,
      advice: (f) =>
        f['unlock']
          ? `${f['unlock']} を付けてコンテナを起動します (フィルターはケーパビリティに従います)。中の root に次が許されます: ${f['allowsJa']}。`
          : 'この呼び出しだけを許すプロファイルを作って起動します。seccomp=unconfined はすべての呼び出しを開け、その 1 つ 1 つがカーネルへの入口になります。',
    },
    capability: { name: 'ケーパビリティの不足', verdict: capability, advice: capabilityAdvice },
    permission: {
      name: 'ファイルの許可',
      verdict: permission,
      advice: (f) =>
        f['nobody']
          ? `実行ビットを立てます (chmod +x ${f['path']})。届く人は誰でも実行できるようになります。`
          : f['known'] === 'no'
            ? `コンテナが知っているユーザーのものにします${f['source'] ? ` (ホストの ${f['source']} です)` : ''}: ホストで chown するか、ユーザー名前空間なしで起動します。そのユーザーは外からも変更できるようになります。`
            : `ユーザー ${f['uid']} に権利を与えます (chmod、chown、setfacl、--group-add)。開くのはこのファイルだけです。所有者として実行する手もあります (--user)。${f['capability']} では、コンテナの全ファイルが開きます。`,
    },
    'read-only': {
      name: '読み取り専用のマウント',
      verdict: (f) =>
        `${f['path']} はマウント ${f['mount']} (${f['type']}) の上にあり、その${f['of'] === 'mount' ? 'マウント' : 'ファイルシステム'}は読み取り専用です。`,
      advice: (f) =>
        ({
          volume: `ボリュームが :ro でマウントされています。:rw にすると、コンテナの中のすべてが ${f['source']} を変えられます。`,
          root: 'コンテナは --read-only で起動されています。書く場所をボリュームか --tmpfs で 1 つ与えます。--read-only をやめると、侵入者がプログラムを書き換えられます。',
          kernel:
            'カーネル自身の設定はマシン全体のものなので、エンジンがコンテナから守っています。名前空間ごとの設定なら --sysctl を使います。すべて開けると、コンテナがマシンを変えられます。',
          generated: 'エンジンが作るマウントで、ルートと同じく読み取り専用です。書く場所はボリュームか --tmpfs で与えます。',
          other: `書けるようにマウントするか、別の場所に書きます。書けるようにすると ${f['source']} の中身が変えられます。`,
        })[f['why'] ?? 'other'] ?? '',
    },
    'kernel-files': {
      name: 'ファイルシステム: 名前はカーネルが作ります',
      verdict: (f) =>
        `${f['path']} は ${f['mount']} にマウントされた ${f['type']} です。中身はカーネル自身のものの姿で、プログラムが名前を作ったり消したりはできません。`,
      advice: () => '別の場所に書いてください。',
    },
    'no-exec': {
      name: 'noexec のマウント',
      verdict: (f) => `${f['path']} は、noexec でマウントされた ${f['mount']} (${f['type']}) の上にあります。そこのファイルはプログラムになれません。`,
      advice: () => 'プログラムを別の場所に置くか、exec でマウントします。そうすると、そこに書かれたものが何でも実行できます。',
    },
    'no-devices': {
      name: 'nodev のマウント',
      verdict: (f) => `${f['path']} は、nodev でマウントされた ${f['mount']} の上のデバイスノードです。そこのノードからは何も開けません。`,
      advice: () => '/dev のノードを使います (--device で作られます)。nodev をやめると、ノードを作れる人が誰でもデバイスに届きます。',
    },
    device: {
      name: 'cgroup のデバイスフィルター',
      verdict: (f) =>
        `${f['path']} はデバイス ${f['device']} です。アクセス ${f['access']} について効いている規則: ${f['rule'] === 'no rule allows it' ? '許す規則がない' : f['rule']}。`,
      advice: (f) => `デバイスをコンテナに渡します (--device ${f['path']}:${f['path']}:r のように絞れます)。その先のハードウェアに届くようになります。`,
    },
    missing: {
      name: 'ないファイル',
      title: '誰も断っていません: ファイルがありません',
      verdict: (f) =>
        f['searched']
          ? `${f['command']} は、探したディレクトリのどこにもありません: ${f['searched']}。`
          : f['why'] === 'not-directory'
            ? `${f['wanted']} の途中の ${f['path']} はディレクトリではありません。`
            : `${f['path']} はありません。${f['directory']} にその名前がないのです。`,
      advice: (f) =>
        f['why'] === 'not-directory'
          ? 'パスを直してください。'
          : `名前を直すか、それを含むものをイメージに入れるか、マウントします (--volume)。hako explain --file ${f['directory']} CONTAINER で、ディレクトリがどのレイヤーのものかわかります。`,
    },
    interpreter: {
      name: 'ないインタプリタ',
      title: '誰も断っていません: プログラムのインタプリタがありません',
      verdict: (f) =>
        `${f['path']} はあります。ないのは${f['kind'] === 'script' ? ' #! 行のインタプリタ' : 'リンク時に決まったローダ'} ${JSON.stringify(f['interpreter'])} です。execve はこれにも ENOENT と答えるので、シェルはプログラムがないと言います。`,
      advice: (f) =>
        f['interpreter']?.endsWith('\r')
          ? '行末に CR (Windows の改行) があり、名前の一部になっています: sed -i "s/\\r$//" FILE。'
          : f['kind'] === 'script'
            ? 'インタプリタをイメージに入れるか、#! 行を直します。'
            : '別の C ライブラリのプログラムです (musl のイメージに glibc のものなど)。静的にリンクするか、このイメージ向けに作り直すか、合うイメージを使います。',
    },
    'not-a-program': {
      name: 'カーネルのプログラムローダ',
      verdict: (f) =>
        ({
          directory: `${f['path']} はディレクトリです。`,
          'not-regular': `${f['path']} はデバイス、FIFO、ソケットのどれかです。プログラムになれるのは通常ファイルだけです。`,
          machine: `${f['path']} は、別の CPU (${f['machine']}) のプログラムです。`,
        })[f['why'] ?? ''] ?? `${f['path']} は ELF でもなく、#! で始まってもいません。`,
      advice: (f) =>
        ({
          directory: 'ファイルを指定してください。',
          'not-regular': '通常ファイルを指定してください。',
          machine: 'このアーキテクチャのイメージを使うか、エミュレータを登録します (binfmt_misc。マシン全体に効きます)。',
        })[f['why'] ?? ''] ?? '#! 行で始めるか、インタプリタに渡します (sh FILE)。',
    },
    immutable: {
      name: 'ファイルの属性',
      verdict: (f) => `${f['path']} には ${f['attribute']} 属性があります (chattr)。許可ビットは見られず、root も断られます。`,
      advice: () => 'ホストで属性を外します (chattr -i、-a。CAP_LINUX_IMMUTABLE が要ります)。誰かがファイルを守るために付けたものです。',
    },
    'protected-link': {
      name: '共有ディレクトリの保護',
      verdict: (f) =>
        `${f['path']} は他人のファイルで、誰でも書ける ${f['directory']} にあり、O_CREAT で開かれました。${f['setting']} がこれを root にも禁じています。`,
      advice: (f) => `O_CREAT なしで開くか、所有者として作ります。${f['setting']} = 0 はマシン全体に効き、/tmp に罠を仕掛けられるようになります。`,
    },
    pids: {
      name: 'cgroup のプロセス数の上限',
      verdict: (f) => `pids.max は ${f['max']} で、いまプロセスとスレッドが ${f['current']} 個あります。もう 1 つは断られます。`,
      advice: () =>
        '誰が増やしているかを見るか (hako top)、上限を上げます: hako update --pids-limit。中の fork 爆弾が、そのぶんマシンから取れるようになります。',
    },
    memory: {
      name: 'cgroup のメモリの上限',
      verdict: (f) => `cgroup が上限に達し、回収できるものもないので、カーネルの OOM killer がプロセス ${f['pid']} を SIGKILL で終わらせました。`,
      advice: () => '使う量を減らすか、上限を上げます: hako update --memory。そのぶんマシンのほかから取れるようになります。',
    },
    rlimit: {
      name: 'プロセスの資源制限',
      verdict: (f) =>
        `${f['limit']} は ${f['soft']} です${f['hard'] ? ` (ハードリミット ${f['hard'] === '-1' ? 'なし' : f['hard']})` : ''}。${f['use'] ? `使用中: ${f['use']}。` : ''}`,
      advice: () => '上げます。ハードリミットまではプログラム自身で (ulimit)、それ以上は起動時に指定します。1 つのプロセスがより多く使えるようになります。',
    },
    space: {
      name: '満杯のファイルシステム',
      verdict: (f) =>
        `${f['path']} のある ${f['mount']} (${f['type']}${f['size'] ? `、${f['size']}` : ''}) には、もう${f['what'] === 'inodes' ? ' inode ' : f['what'] === 'quota' ? '割り当て (quota) ' : '空き'}がありません。`,
      advice: (f) =>
        f['type'] === 'tmpfs'
          ? 'ファイルを消すか、大きくします。tmpfs の中身はメモリに置かれます。'
          : 'ファイルを消すか、データを別のディスクのボリュームに移します (hako system df)。',
    },
    'kernel-limit': {
      name: 'カーネルの上限',
      verdict: (f) => `${f['setting']} は ${f['value']} です (マシン全体)。`,
      advice: (f) => `使う量を減らすか、ホストで上げます: sysctl -w ${f['setting']}=数。全員に効きます。`,
    },
    'address-in-use': {
      name: '別のソケット: アドレスは使用中です',
      verdict: (f) => `${f['address']} は${f['holder'] ? ` ${f['holder']} が` : ''}使っています。`,
      advice: (f) => (f['address']?.startsWith('/') ? '誰も待ち受けていなければ、そのファイルを消します。' : '相手を終わらせるか、別のポートで待ち受けます。'),
    },
    'address-not-here': {
      name: 'ネットワーク: ここにないアドレスです',
      verdict: (f) => `${f['address']} はコンテナのアドレスではありません (ネットワーク ${f['mode']})。`,
      advice: () => '0.0.0.0 か、コンテナにあるアドレスで待ち受けます。ホストのアドレスはコンテナの中にはありません。',
    },
    'network-unreachable': {
      name: 'ネットワーク: 経路がありません',
      verdict: (f) => `${f['address']} への経路がありません (ネットワーク ${f['mode']})。`,
      advice: (f) =>
        f['mode'] === 'none' ? 'ネットワーク付きで起動します。中で動くものが外の世界に届くようになります。' : '経路を見ます (hako net show CONTAINER)。',
    },
    'connection-refused': {
      name: '相手: 誰も待ち受けていません',
      verdict: (f) => `パケットは ${f['address']} に届き、誰も待ち受けていないと返ってきました。`,
      advice: () => 'サーバーを起動し、どのアドレスで待ち受けているかを見ます。127.0.0.1 はコンテナ自身です。',
    },
    'no-answer': {
      name: '返事なし',
      title: '誰も断っていません: 返事がありません',
      verdict: (f) => `${f['address']} から時間内に返事がありません。途中でパケットが捨てられたか、相手がいません。`,
      advice: () => '両側のパケットフィルターと、相手が動いているかを見ます。',
    },
    'packet-filter': {
      name: 'パケットフィルター',
      verdict: (f) => `${f['address']} へ送るものを、nftables の規則か cgroup のプログラムが拒んでいます。`,
      advice: () => 'コンテナのネットワークとホストで nft list ruleset を見ます。',
    },
    lsm: {
      name: 'セキュリティモジュール',
      verdict: (f) => `見えるものはすべて通すはずです。プロセスは ${f['label']} (${f['module']}) の下で動いています。`,
      advice: () => 'モジュールのログを見ます (ausearch、dmesg)。ラベルを外すと、コンテナはこの第 2 の壁を失います。',
    },
    landlock: {
      name: 'プログラム自身の Landlock の規則',
      verdict: (f) => `プログラムは landlock_restrict_self(2) で自分を制限していて、その規則が ${f['call']} を断りました。`,
      advice: () => 'プログラムが自分で求めたことです。その設定を見てください。',
    },
    yama: {
      name: 'Yama',
      verdict: (f) => `kernel.yama.ptrace_scope は ${f['scope']} です。追跡できるのは自分の子孫だけか、誰もいません。`,
      advice: () =>
        'デバッガから起動したものを追跡します。kernel.yama.ptrace_scope=0 はマシン全体に効き、同じユーザーのプロセスが互いのメモリを読めるようになります。',
    },
    tracer: {
      name: 'hako why 自身',
      verdict: () => 'プロセスの追跡者は 1 人だけで、いまは hako why です。',
      advice: () => 'デバッガは hako exec で動かしてください。',
    },
    busy: {
      name: '対象の状態: 使用中です',
      verdict: (f) =>
        f['mount']
          ? `${f['mount']} はマウントポイントなので、消すことも改名もできません。`
          : f['program']
            ? 'ファイルは実行中のプログラムなので、書き込めません。'
            : `対象が使われている間、${f['call']} は断られます。`,
      advice: (f) =>
        f['mount']
          ? '先にアンマウントするか (エンジンは起動のたびにマウントします)、置き換えずに中身を書きます。'
          : '誰が使っているかを探します: hako top、/proc/*/fd、findmnt。',
    },
    unknown: {
      name: 'ここではわからない何か',
      verdict: (f) => `${f['call']} の答えは ${f['error']} ですが、調べられるものはどれも通すはずでした。`,
      advice: (f) => `マニュアルページに、${f['error']} のほかの意味があります。`,
    },
  },
};
