/** What the walls around containers cost, and what they give: gVisor, Kata Containers, Firecracker. See ptrace(2). */
import { defineExercise, type Stage, type Text } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';

/** A container; a kernel in user space; a virtual machine. */
type Wall = 'c' | 'g' | 'v';

/** Each is true of one of the three alone. */
const statements: readonly { readonly wall: Wall; readonly says: Text }[] = [
  {
    wall: 'c',
    says: {
      en: 'A bug in the kernel that a program finds is a bug in the kernel of the machine: nothing is in between.',
      ja: 'プログラムが見つけたカーネルのバグは、そのままマシンのカーネルのバグである。間には何もない。',
    },
  },
  {
    wall: 'c',
    says: {
      en: 'What it costs is what its program costs: no second kernel, and no detour for a system call.',
      ja: 'かかる費用は、プログラム自身の費用だけだ。2 つ目のカーネルもなければ、システムコールの回り道もない。',
    },
  },
  {
    wall: 'g',
    says: {
      en: '`uname -r` says another version than the machine, and yet no second Linux was booted.',
      ja: '`uname -r` はマシンと違うバージョンを言うが、2 つ目の Linux が起動しているわけではない。',
    },
  },
  {
    wall: 'g',
    says: {
      en: 'A program that computes is as fast as ever; one that makes many system calls is slower by each of them.',
      ja: '計算ばかりするプログラムは遅くならない。システムコールの多いプログラムは、1 回ごとに遅くなる。',
    },
  },
  {
    wall: 'v',
    says: {
      en: 'It has a Linux of its own, with another boot_id, and needs /dev/kvm to be fast.',
      ja: '自分の Linux があり、boot_id も違う。速く動かすには /dev/kvm が要る。',
    },
  },
  {
    wall: 'v',
    says: {
      en: 'Memory is given to it beforehand, and a file that it reads may be in memory twice: in its page cache and in the machine’s.',
      ja: 'メモリーはあらかじめ割り当てる。読んだファイルは、中と外のページキャッシュに二重に載ることがある。',
    },
  },
];

/** The answers in the order of the question sheet. @param order digits, a permutation of the statements */
const keyOf = (order: string): string => [...order].map((digit) => statements[Number(digit)]!.wall).join('');

async function shuffled(stage: Stage): Promise<string> {
  const left = statements.map((_, i) => String(i));
  let order = '';
  for (let seed = Number.parseInt(stage.nonce(), 16); left.length > 0; seed = Math.floor(seed / (left.length + 1)))
    order += left.splice(seed % left.length, 1)[0]!;
  return order;
}

const sheet = (order: string, language: keyof Text): string =>
  [...order].map((digit, i) => `${i + 1}. ${statements[Number(digit)]!.says[language]}`).join('\n');

/** The answer's two words: how many times slower, and six letters. */
function answered(look: Look): { readonly times: number; readonly letters: string } | undefined {
  const [, times, letters = ''] = /^(\d+(?:\.\d+)?)\s+([cgv]+)$/i.exec(look.answer ?? '') ?? [];
  return times === undefined ? undefined : { times: Number(times), letters: letters.toLowerCase() };
}

/** By how much a program of 20,000 system calls is slower when each is looked at. Measured here once for each answer: it takes a second. */
const measured = new Map<string, Promise<number>>();
function slowdown(look: Look): Promise<number> {
  const key = `${look.host.pid} ${look.answer}`;
  const known = measured.get(key) ?? measure(look);
  measured.set(key, known);
  return known;
}

async function measure(look: Look): Promise<number> {
  const lines = `once() { s=$(date +%s%N); "$@" >/dev/null 2>&1; e=$(date +%s%N); echo $((e - s)); }
    for n in 1 2 3; do once dd if=/dev/zero of=/dev/null bs=1 count=20000; done | sort -n | head -n 1
    once strace -o /dev/null dd if=/dev/zero of=/dev/null bs=1 count=20000`;
  const [plain = 0, traced = 0] = (await look.run(['sh', '-c', lines], { timeout: 60_000 })).stdout.trim().split('\n').map(Number);
  return plain > 0 ? traced / plain : Infinity;
}

const none: Text = { en: 'no answer of the form: NUMBER LETTERS', ja: '「数 文字列」の形の答えがない' };
/** How far two measurements of the same may be apart. */
const tolerance = 5;

export default defineExercise({
  needs: ['strace'],
  async setup(stage) {
    const order = await shuffled(stage);
    await stage.sh(`printf '%s\\n' "$EN" > /root/quiz.en; printf '%s\\n' "$JA" > /root/quiz.ja`, { EN: sheet(order, 'en'), JA: sheet(order, 'ja') });
    return { order };
  },
  conditions: [
    {
      id: 'measured',
      says: {
        en: 'Your first word is how many times slower dd is when each of its system calls is stopped at (as measured here, within a factor of five)',
        ja: '答えの 1 語目が、システムコールのたびに止められる dd が何倍遅いか(ここでの測定と 5 倍以内で一致する)',
      },
      async check(look) {
        const given = answered(look);
        if (!given) return { ok: false, found: none };
        const times = await slowdown(look);
        return { ok: given.times * tolerance > times && given.times < times * tolerance && given.times > 1, found: `${given.times}` };
      },
    },
    {
      id: 'quiz',
      says: {
        en: 'Your second word has the letters of /root/quiz.en: five of six are right',
        ja: '答えの 2 語目が /root/quiz.ja の 6 問の文字で、5 つ以上が正しい',
      },
      check(look) {
        const letters = answered(look)?.letters;
        if (letters === undefined) return { ok: false, found: none };
        const key = keyOf(look.facts['order']!);
        const right = [...key].filter((letter, i) => letters[i] === letter).length;
        return {
          ok: letters.length === key.length && right >= 5,
          expected: '≥ 5',
          found: { en: `${right} of ${key.length} right`, ja: `${key.length} 問中 ${right} 問正解` },
        };
      },
    },
  ],
});
