/**
 * Device rules as properties of a unit. systemd knows only lists of what is allowed; where the rules are more than that, it is told to
 * let all pass, and the container's own filter decides (src/runtime/cgroup/devices.ts), which is in force in either case.
 */
import type { DeviceRule } from '../../runtime/spec.ts';
import type { Property } from './manager.ts';
import { Variant, type Value } from './wire.ts';

/** @param rules in order: of two that speak of the same access, the later counts; what none allows is denied */
export function deviceProperties(rules: readonly DeviceRule[]): Property[] {
  const beginning = rules.findLastIndex((rule) => isOfAll(rule)); // what came before is of no account
  const list = rules.slice(beginning + 1);
  const denies = beginning < 0 || !rules[beginning]!.allow;
  const entries = denies && list.every((rule) => rule.allow) ? list.map(entriesOf) : [undefined];
  const expressible = entries.every((entry) => entry !== undefined);
  return [
    ['DeviceAllow', new Variant('a(ss)', [])], // forgets what there was
    ['DevicePolicy', new Variant('s', expressible ? 'strict' : 'auto')],
    ...(expressible ? [['DeviceAllow', new Variant('a(ss)', entries.flat())] as const] : []),
  ];
}

const any = (number: number | undefined): boolean => number === undefined || number < 0;
const isOfAll = ({ type = 'a', major, minor, access = 'rwm' }: DeviceRule): boolean => type === 'a' && any(major) && any(minor) && access.length === 3;

/** Paths by which systemd names devices, with what may be done; undefined for numbers that it has no name for. */
function entriesOf({ type = 'a', major, minor, access = 'rwm' }: DeviceRule): Value[] | undefined {
  if (any(major) && !any(minor)) return undefined;
  const kinds = type === 'c' ? ['char'] : type === 'b' ? ['block'] : ['char', 'block'];
  return kinds.map((kind) => [any(major) ? `${kind}-*` : any(minor) ? `${kind}-${major}` : `/dev/${kind}/${major}:${minor}`, access]);
}
