/** A virtual machine beside a container: a kernel of its own, and what that costs. See random(4) boot_id, proc_pid_status(5) VmRSS. */
import { readFileSync } from 'node:fs';
import { attempt } from '../../../../kernel/attempt.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise, type Text } from '../../../exercise.ts';
import { kernelImage } from '../../../kernel-image.ts';
import type { Look } from '../../../look/look.ts';
import { hasInMemory } from '../../../look/memory.ts';

const machineOf = (look: Look): LabProcess | undefined => look.others.find(({ executable }) => /\/qemu-system-[\w.-]+$/.test(executable ?? ''));

/** The answer's two words: an id of a boot, and mebibytes. */
function answered(look: Look): { readonly bootId: string; readonly size: number } | undefined {
  const [, bootId, size] = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\s+(\d+)$/.exec(look.answer ?? '') ?? [];
  return bootId === undefined ? undefined : { bootId, size: Number(size) };
}

/** Memory that a process has at this moment, in MiB. */
const residentSize = ({ pid }: LabProcess): number =>
  Number(/^VmRSS:\s*(\d+)/m.exec(attempt(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '')?.[1] ?? 0) / 1024;

const none: Text = { en: 'no answer of the form: BOOT_ID NUMBER', ja: '「boot_id 数」の形の答えがない' };
const noMachine: Text = { en: 'no qemu-system-… runs', ja: 'qemu-system-… が動いていない' };

export default defineExercise({
  needs: ['virtual-machine'],
  async setup(stage) {
    await stage.put(kernelImage()!, '/root/vmlinuz');
    await stage.sh(`mkdir -p tree/bin tree/proc tree/dev
      for program in sh cat uname sleep mount; do
        file=$(command -v $program); cp -L "$file" tree/bin/$program
        for part in $(ldd "$file" | grep -o '/[^ ]*'); do cp -L --parents "$part" tree/; done
      done
      cat > tree/init <<'END'
#!/bin/sh
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
exec >/dev/ttyS0 2>&1
echo "boot_id $(cat /proc/sys/kernel/random/boot_id)"
echo "kernel $(uname -r)"
exec sleep 100000
END
      chmod +x tree/init`);
  },
  conditions: [
    {
      id: 'machine',
      says: { en: 'A virtual machine runs in the lab', ja: 'ラボで仮想マシンが動いている' },
      check(look) {
        const machine = machineOf(look);
        return { ok: machine !== undefined, found: machine ? `${machine.labPid} ${machine.name}` : noMachine };
      },
    },
    {
      id: 'container',
      says: {
        en: 'Beside it a process runs in PID and mount namespaces of its own',
        ja: 'その横で、独自の PID namespace と mount namespace を持つプロセスが動いている',
      },
      check(look) {
        const found = look.others.find((process) => process.has('pid') && process.has('mnt'));
        return { ok: found !== undefined, found: found ? `${found.labPid} ${found.name}` : { en: 'none', ja: 'ない' } };
      },
    },
    {
      id: 'boot-id',
      says: {
        en: 'Your first word is the boot_id of the kernel in the virtual machine: it is found in its memory, and is not that of the lab',
        ja: '答えの 1 語目が、仮想マシンの中のカーネルの boot_id である(仮想マシンのメモリーの中に見つかり、ラボのものとは違う)',
      },
      check(look) {
        const [given, machine] = [answered(look), machineOf(look)];
        if (!given) return { ok: false, found: none };
        if (!machine) return { ok: false, found: noMachine };
        if (given.bootId === readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
          return { ok: false, found: { en: `${given.bootId}: the lab's own kernel`, ja: `${given.bootId}: ラボ自身のカーネル` } };
        const there = hasInMemory(machine, Buffer.from(given.bootId.replaceAll('-', ''), 'hex'), 32 * 2 ** 20);
        return { ok: there, found: there ? given.bootId : { en: `${given.bootId} is not in its memory`, ja: `${given.bootId} はそのメモリーにない` } };
      },
    },
    {
      id: 'memory',
      says: {
        en: 'Your second word is how much memory the virtual machine takes here, in MiB, to a quarter',
        ja: '答えの 2 語目が、仮想マシンがここで使っているメモリー(MiB、誤差 4 分の 1 以内)である',
      },
      check(look) {
        const [given, machine] = [answered(look), machineOf(look)];
        if (!given) return { ok: false, found: none };
        if (!machine) return { ok: false, found: noMachine };
        const size = residentSize(machine);
        return { ok: Math.abs(given.size - size) <= size / 4, expected: 'VmRSS / 1024', found: String(given.size) };
      },
    },
  ],
});
