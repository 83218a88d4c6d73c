/** The networks that there are: the engine's bridge, the host's network, and none. They can be looked at, not changed. */
import type { Filters, NetworkInspect } from '../api/schema.ts';
import { EngineError, type NetworkOperations } from './engine.ts';
import { checkFilters, filterFlag, filterValues, matchesExactly, matchesLabels, matchesPattern } from './filters.ts';
import { networkId, networkName, networksOf } from './network-view.ts';
import type { Parts } from './parts.ts';
import { never } from './container.ts';

type NetworkParts = Pick<Parts, 'containers' | 'networking' | 'settings'>;

const drivers = { bridge: 'bridge', host: 'host', none: 'null' } as const;
type Name = keyof typeof drivers;
const names = Object.keys(drivers) as Name[];
const knownFilters = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'];

/** @see NetworkOperations */
export function networkOperations(parts: NetworkParts): NetworkOperations {
  return {
    async list(filters) {
      checkFilters(filters, knownFilters);
      // Lists leave the containers out, as Docker's do.
      return names.filter((name) => passes(name, filters)).map((name) => ({ ...describe(parts, name), Containers: {} }));
    },
    async inspect(ref) {
      const name = names.find((one) => one === ref) ?? names.find((one) => ref.length >= 4 && networkId(one).startsWith(ref));
      if (name === undefined) throw new EngineError(404, `network ${ref} not found`);
      return describe(parts, name);
    },
  };
}

function passes(name: Name, filters: Filters): boolean {
  const type = filterValues(filters, 'type');
  return (
    matchesPattern(filters, 'name', name) &&
    (filterValues(filters, 'id')?.some((id) => networkId(name).startsWith(id)) ?? true) &&
    matchesExactly(filters, 'driver', drivers[name]) &&
    matchesExactly(filters, 'scope', 'local') &&
    matchesLabels(filters, {}) &&
    (!type || type.includes('builtin')) &&
    filterFlag(filters, 'dangling') !== true
  );
}

function describe({ containers, networking, settings }: NetworkParts, name: Name): NetworkInspect {
  const { view } = networking;
  const bridge = name === 'bridge';
  const members = containers.all().filter((container) => container.running && networkName(container) === name);
  return {
    Name: name,
    Id: networkId(name),
    Created: never,
    Scope: 'local',
    Driver: drivers[name],
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: null, Config: bridge && view ? [{ Subnet: subnetOf(view.gateway, view.prefix), Gateway: view.gateway }] : [] },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      members.map((container) => {
        const { EndpointID = '', MacAddress = '', IPAddress = '', IPPrefixLen = 0 } = networksOf(container, view)[name] ?? {};
        return [
          container.id,
          { Name: container.record.name, EndpointID, MacAddress, IPv4Address: IPAddress ? `${IPAddress}/${IPPrefixLen}` : '', IPv6Address: '' },
        ];
      }),
    ),
    Options: bridge ? { 'com.docker.network.bridge.name': settings.bridge, 'com.docker.network.bridge.default_bridge': 'true' } : {},
    Labels: {},
  };
}

/** The network's own address: `172.17.0.1` with prefix 16 gives `172.17.0.0/16`. */
function subnetOf(address: string, prefix: number): string {
  const bits = address.split('.').reduce((all, part) => all * 256 + Number(part), 0);
  const network = bits - (bits % 2 ** (32 - prefix));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.')}/${prefix}`;
}
