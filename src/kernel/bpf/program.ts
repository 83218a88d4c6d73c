/**
 * The bpf(2) calls for a program on a cgroup: load, attach, ask. Each takes one `union bpf_attr`, laid out here.
 * See bpf(2), include/uapi/linux/bpf.h.
 */
import { call, Struct, Unknown, type Call, type CallOptions, type Known } from '../call.ts';
import { bpfCommands } from '../flags.ts';
import { errno } from '../errno.ts';
import { perform, performNow } from '../perform.ts';
import { assembleDeviceFilter } from './device-filter.ts';

const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** Several programs on one cgroup; all of them, and all of its ancestors', must allow. */
const BPF_F_ALLOW_MULTI = 2;

const number = (value: Known): number => (value instanceof Unknown ? 0 : value);

/**
 * BPF_PROG_LOAD of a device filter; returns the program's descriptor (close-on-exec, as the kernel always makes it).
 * @param instructions from {@link assembleDeviceFilter}
 */
export function loadDeviceFilter(instructions: Uint8Array): Call {
  const count = instructions.length / 8;
  const bytes = new Uint8Array(72);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  view.setUint32(4, count, true);
  bytes.set(Buffer.from('hako_devices'), 48); // prog_name, at most 15 bytes
  const text = `{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=${count}, insns=[…], license="Apache-2.0", prog_name="hako_devices"}`;
  const attr = new Struct(text, bytes, [
    [8, instructions],
    [16, 'Apache-2.0'],
  ]);
  // The verifier gives up with EAGAIN when a signal is pending, and Node has timers of signals; libbpf tries five times, too.
  const load: Call = call('bpf', [bpfCommands.BPF_PROG_LOAD, attr, bytes.length], {
    label: 'program',
    perform() {
      let value = performNow(load);
      for (let tries = 1; value === -errno.EAGAIN && tries < 5; tries++) value = performNow(load);
      return value;
    },
  });
  return load;
}

/** BPF_PROG_ATTACH of a device filter to a cgroup, beside those that are there. It goes away with the cgroup. */
export function attachDeviceFilter(cgroup: Known, program: Known, options: CallOptions = {}): Call {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  [number(cgroup), number(program), BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI].forEach((value, i) => view.setUint32(i * 4, value, true));
  const text = `{target_fd=${cgroup}, attach_bpf_fd=${program}, attach_type=BPF_CGROUP_DEVICE, attach_flags=BPF_F_ALLOW_MULTI}`;
  return call('bpf', [bpfCommands.BPF_PROG_ATTACH, new Struct(text, bytes), bytes.length], options);
}

/** Whether this kernel takes device filters from this process: loads one that is thrown away at once. */
export function canLoadDeviceFilter(): boolean {
  const program = perform(loadDeviceFilter(assembleDeviceFilter([]))) as number;
  if (program < 0) return false;
  performNow(call('close', [program]));
  return true;
}
