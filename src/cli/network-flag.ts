/** `--network` and what a container has in its networks. */
import type { EndpointRequest } from '../api/schema.ts';
import { UsageError, type Values } from './command.ts';
import type { ContainerFlags } from './container-flags.ts';

export interface NetworkSettings {
  /** The first network; `default` when none is named. */
  readonly mode: string;
  /** Absent when nothing is asked of any network. */
  readonly endpoints?: Record<string, EndpointRequest>;
}

/**
 * A network is a name, or `name=…,alias=…,ip=…,ip6=…,mac-address=…,driver-opt=…`.
 * @throws UsageError for an unknown field, or an address where there can't be one
 */
export function networkSettings(flags: Pick<Values<ContainerFlags>, 'network' | 'network-alias' | 'ip' | 'ip6' | 'mac-address'>): NetworkSettings {
  const networks = flags.network.map(parseNetwork);
  const mode = networks[0]?.name ?? 'default';
  const own: EndpointRequest = {
    ...((flags.ip || flags.ip6) && { IPAMConfig: { ...(flags.ip && { IPv4Address: flags.ip }), ...(flags.ip6 && { IPv6Address: flags.ip6 }) } }),
    ...(flags['network-alias'].length && { Aliases: [...flags['network-alias']] }),
    ...(flags['mac-address'] && { MacAddress: flags['mac-address'] }),
  };
  const hasOwn = Object.keys(own).length > 0;
  if (hasOwn && (mode === 'host' || mode === 'none' || mode.startsWith('container:'))) {
    throw new UsageError(`conflicting options: an address or an alias cannot be given with --network ${mode}`);
  }
  const endpoints = Object.fromEntries(networks.map(({ name, endpoint }, i) => [name, i === 0 ? { ...endpoint, ...own } : endpoint]));
  if (hasOwn && networks.length === 0) endpoints[mode] = own;
  const asked = networks.length > 1 || Object.values(endpoints).some((endpoint) => Object.keys(endpoint).length > 0);
  return { mode, ...(asked && { endpoints }) };
}

function parseNetwork(text: string): { name: string; endpoint: EndpointRequest } {
  if (!/^[a-z0-9-]+=/i.test(text)) return { name: text, endpoint: {} };
  const endpoint: EndpointRequest = {};
  let name = '';
  for (const field of text.split(',')) {
    const [key = '', value = ''] = field.split(/=(.*)/s);
    switch (key.trim().toLowerCase()) {
      case 'name':
        name = value;
        break;
      case 'alias':
        (endpoint.Aliases ??= []).push(value);
        break;
      case 'ip':
        endpoint.IPAMConfig = { ...endpoint.IPAMConfig, IPv4Address: value };
        break;
      case 'ip6':
        endpoint.IPAMConfig = { ...endpoint.IPAMConfig, IPv6Address: value };
        break;
      case 'mac-address':
        endpoint.MacAddress = value;
        break;
      case 'gw-priority':
        endpoint.GwPriority = Number(value);
        break;
      case 'driver-opt': {
        const [option = '', setting = ''] = value.split(/=(.*)/s);
        endpoint.DriverOpts = { ...endpoint.DriverOpts, [option]: setting };
        break;
      }
      default:
        throw new UsageError(`invalid argument "${text}" for "--network" flag: unknown field '${key}'`);
    }
  }
  if (!name) throw new UsageError(`invalid argument "${text}" for "--network" flag: the field 'name' is missing`);
  return { name, endpoint };
}
