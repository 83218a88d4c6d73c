/** The net_cls controller: a class by which tc(8) and nftables tell its packets. Version 1 alone. Documentation/admin-guide/cgroup-v1/net_cls.rst. */
import { noController, type PlanLimits } from './controller.ts';

export const planNetCls: PlanLimits = (version, resources) => {
  const classID = resources.network?.classID;
  if (classID === undefined || (classID === 0 && version === undefined)) return { writes: [], unmet: [], warnings: [] }; // 0: of no class, as all are
  if (version === undefined) return { writes: [], unmet: [noController('net_cls', 'The network class')], warnings: [] };
  return {
    writes: [{ file: 'net_cls.classid', value: String(classID), what: `Have its packets be of the class ${hexadecimal(classID)}` }],
    unmet: [],
    warnings: [],
  };
};

/** As tc(8) writes it, `10:1`: major and minor number. */
const hexadecimal = (classID: number): string => `${(classID >>> 16).toString(16)}:${(classID & 0xffff).toString(16)}`;
