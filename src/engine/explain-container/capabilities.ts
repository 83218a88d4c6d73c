/** The capabilities of a container's first process, decoded: what it may, and what it cannot. See capabilities(7). */
import type { CapabilitiesView } from '../../api/schema.ts';
import { capabilitiesIn, capabilityNames, lastCapability, parseCapabilityMasks } from '../../kernel/capability.ts';
import { capabilityMeaning } from '../../kernel/capability-meaning.ts';
import { confinementOf } from '../spec/process.ts';
import { statusField } from '../process-files.ts';
import type { Subject } from './subject.ts';

/** The five sets. The bounding set that the record asks for is compared. */
export function capabilitiesOf({ container, status, differs }: Subject): CapabilitiesView {
  const masks = parseCapabilityMasks(status);
  const known = capabilityNames.slice(0, lastCapability() + 1);
  const held = capabilitiesIn(masks.effective);
  const bounding = capabilitiesIn(masks.bounding);
  const confinement = confinementOf(container.record.hostConfig);
  const noNewPrivileges = statusField(status, 'NoNewPrivs') === '1';
  const missing = confinement.capabilities.filter((name) => !bounding.includes(name));
  const surplus = bounding.filter((name) => !confinement.capabilities.includes(name));
  if (missing.length) differs(`The record gives ${missing.join(', ')}, which the process can never have (CapBnd)`);
  if (surplus.length) differs(`The process can have ${surplus.join(', ')} (CapBnd), which the record does not give`);
  if (noNewPrivileges !== confinement.noNewPrivileges)
    differs(
      `The record ${confinement.noNewPrivileges ? 'sets' : 'does not set'} no_new_privs, but the process ${noNewPrivileges ? 'has' : 'does not have'} it`,
    );
  const hex = (mask: bigint): string => mask.toString(16).padStart(16, '0');
  return {
    sets: {
      CapInh: hex(masks.inheritable),
      CapPrm: hex(masks.permitted),
      CapEff: hex(masks.effective),
      CapBnd: hex(masks.bounding),
      CapAmb: hex(masks.ambient),
    },
    noNewPrivileges,
    held: held.map((name) => ({ name, allows: capabilityMeaning(name)?.en ?? '' })),
    obtainable: noNewPrivileges ? [] : bounding.filter((name) => !held.includes(name)),
    lacking: known.filter((name) => !held.includes(name)).map((name) => ({ name, forbids: capabilityMeaning(name)?.en ?? '' })),
  };
}
