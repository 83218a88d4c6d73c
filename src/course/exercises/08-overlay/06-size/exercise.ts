/** Size golf: what layers carry along though nobody can see it. */
import { defineExercise } from '../../../exercise.ts';
import { textOf } from '../../../look/files.ts';

const MiB = 2 ** 20;

export default defineExercise({
  async setup(stage) {
    const nonce = stage.nonce();
    await stage.sh(
      `cd /root && mkdir -p layers/1/srv layers/2/srv layers/3/srv
       head -c $((40 * 1048576)) /dev/urandom > layers/1/srv/toolchain
       echo "$NONCE" > layers/2/srv/program; head -c $((8 * 1048576)) /dev/urandom > layers/2/srv/cache
       mknod layers/3/srv/toolchain c 0 0; mknod layers/3/srv/cache c 0 0; echo settings > layers/3/srv/config`,
      { NONCE: nonce },
    );
    return { nonce };
  },
  conditions: [
    {
      id: 'same',
      says: {
        en: 'From /root/slim alone one sees what one saw of the three layers: srv/program and srv/config, as they were',
        ja: '/root/slim だけを見て、3 つの層を重ねたときと同じもの(srv/program と srv/config)が同じ内容で見える',
      },
      check(look) {
        const [program, config] = [textOf(look.host, '/root/slim/srv/program')?.trim(), textOf(look.host, '/root/slim/srv/config')?.trim()];
        return {
          ok: program === look.facts['nonce'] && config === 'settings',
          found: `program: ${program === undefined ? '-' : 'ok'}, config: ${config ?? '-'}`,
        };
      },
    },
    {
      id: 'small',
      says: { en: 'It takes less than 1 MiB', ja: '全体が 1 MiB 未満である' },
      async check(look) {
        const { code, stdout } = await look.run(['du', '-sb', '/root/slim']);
        const bytes = Number.parseInt(stdout, 10);
        return {
          ok: code === 0 && bytes > 0 && bytes < MiB,
          expected: '< 1 MiB',
          found: code === 0 ? `${(bytes / MiB).toFixed(2)} MiB` : { en: 'there is no /root/slim', ja: '/root/slim がない' },
        };
      },
    },
    {
      id: 'clean',
      says: { en: 'No whiteout is left in it: there is nothing below any more', ja: 'ホワイトアウトが残っていない(もう下に層はない)' },
      async check(look) {
        const { stdout } = await look.run(['find', '/root/slim', '-type', 'c']);
        return { ok: stdout === '' && textOf(look.host, '/root/slim/srv/config') !== undefined, found: stdout.trim() || { en: 'none', ja: 'ない' } };
      },
    },
  ],
});
