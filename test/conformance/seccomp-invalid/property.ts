/** Filters that are none. */
import type { Fields } from '../suite/config.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxSeccomp';

function isRefused(seccomp: Fields): Claim {
  return {
    spec,
    must: 'Invalid values are an error: a program is never run with a weaker filter than was asked.',
    check: async (bench) => {
      await bench.refused({ linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...seccomp } } });
    },
  };
}

const rule = { names: ['mkdir'], action: 'SCMP_ACT_ERRNO' };

export default {
  'an action that there is not': isRefused({ syscalls: [{ ...rule, action: 'SCMP_ACT_SHRUG' }] }),
  'no defaultAction': isRefused({ defaultAction: undefined, syscalls: [rule] }),
  'an architecture that there is not': isRefused({ architectures: ['SCMP_ARCH_PDP11'], syscalls: [rule] }),
  'a flag that there is not': isRefused({ flags: ['SECCOMP_FILTER_FLAG_MAYBE'], syscalls: [rule] }),
  'a comparison that there is not': isRefused({ syscalls: [{ ...rule, args: [{ index: 0, value: 1, op: 'SCMP_CMP_LIKE' }] }] }),
  'an argument that there is not': isRefused({ syscalls: [{ ...rule, args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] }] }),
  'a rule without names': isRefused({ syscalls: [{ ...rule, names: [] }] }),
  'errnoRet of an action that has none': isRefused({ syscalls: [{ ...rule, action: 'SCMP_ACT_KILL', errnoRet: 1 }] }),
  'defaultErrnoRet of an action that has none': isRefused({ defaultErrnoRet: 1, syscalls: [rule] }),
  'listenerMetadata without listenerPath': isRefused({ listenerMetadata: 'for nobody', syscalls: [rule] }),
} satisfies Property;
