/** A container's network as `inspect` and `ps` show it: from its record and, while it runs, its endpoint and published ports. */
import { createHash } from 'node:crypto';
import type { ContainerNetworkSettings, ContainerPort, EndpointSettings } from '../api/schema.ts';
import { macOf } from '../network/subnet.ts';
import type { PortBinding } from '../network/ports.ts';
import type { Container } from './container.ts';
import type { BridgeView } from './networking.ts';

/** The id of a network, which it has by its name alone. */
export const networkId = (name: string): string => createHash('sha256').update(`network ${name}`).digest('hex');

const endpointId = (container: Container, network: string): string => createHash('sha256').update(`endpoint ${container.id} ${network}`).digest('hex');

/** What HostConfig.NetworkMode means: Docker's clients send `default` for the bridge. */
export function networkMode(container: Container): string {
  const { NetworkMode } = container.record.hostConfig;
  return !NetworkMode || NetworkMode === 'default' ? 'bridge' : NetworkMode;
}

/** The network's name; undefined for a container that shares another's. */
export function networkName(container: Container): string | undefined {
  const mode = networkMode(container);
  return mode.startsWith('container:') ? undefined : mode;
}

/** NetworkSettings of `inspect`. */
export function networkSettings(container: Container, bridge: BridgeView | undefined): ContainerNetworkSettings {
  const networks = networksOf(container, bridge);
  const own = networks['bridge'];
  const { running } = container;
  return {
    Bridge: '',
    SandboxID: running ? createHash('sha256').update(`sandbox ${container.id}`).digest('hex') : '',
    SandboxKey: running ? `/proc/${running.handle.pid}/ns/net` : '',
    Ports: portMap(container),
    EndpointID: own?.EndpointID ?? '',
    Gateway: own?.Gateway ?? '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: own?.IPAddress ?? '',
    IPPrefixLen: own?.IPPrefixLen ?? 0,
    IPv6Gateway: '',
    MacAddress: own?.MacAddress ?? '',
    Networks: networks,
  };
}

/** What the container has in its network, by the network's name. */
export function networksOf(container: Container, bridge: BridgeView | undefined): Record<string, EndpointSettings> {
  const name = networkName(container);
  if (name === undefined) return {};
  const { record, running } = container;
  const asked: Partial<EndpointSettings> = record.networks[name] ?? record.networks['default'] ?? {};
  const address = running?.endpoint?.address;
  return {
    [name]: {
      IPAMConfig: asked.IPAMConfig ?? null,
      Links: asked.Links ?? null,
      Aliases: asked.Aliases ?? null,
      MacAddress: address === undefined ? '' : macOf(address),
      DriverOpts: asked.DriverOpts ?? null,
      GwPriority: asked.GwPriority ?? 0,
      NetworkID: networkId(name),
      EndpointID: running ? endpointId(container, name) : '',
      Gateway: address === undefined ? '' : (bridge?.gateway ?? ''),
      IPAddress: address ?? '',
      IPPrefixLen: address === undefined ? 0 : (bridge?.prefix ?? 0),
      IPv6Gateway: '',
      GlobalIPv6Address: '',
      GlobalIPv6PrefixLen: 0,
      DNSNames: null,
    },
  };
}

/** A binding without an address is one for every IPv4 and one for every IPv6 address. */
const addressesOf = ({ hostIp }: PortBinding): string[] => (hostIp === '' ? ['0.0.0.0', '::'] : [hostIp]);

/** Ports that are exposed (`80/tcp`), and not only published. */
const exposed = (container: Container): string[] =>
  Object.keys(container.record.config.ExposedPorts ?? {}).map((port) => (port.includes('/') ? port : `${port}/tcp`));

function portMap(container: Container): ContainerNetworkSettings['Ports'] {
  const { running } = container;
  if (!running || networkMode(container) !== 'bridge') return {};
  const map: ContainerNetworkSettings['Ports'] = {};
  for (const port of exposed(container)) map[port] = null;
  for (const binding of running.ports) {
    const bindings = (map[`${binding.containerPort}/${binding.protocol}`] ??= []);
    for (const HostIp of addressesOf(binding)) bindings.push({ HostIp, HostPort: String(binding.hostPort) });
  }
  return map;
}

/** The ports as `ps` lists them. */
export function portList(container: Container): ContainerPort[] {
  const list: ContainerPort[] = [];
  for (const [port, bindings] of Object.entries(portMap(container))) {
    const [number, protocol] = port.split('/');
    const own = { PrivatePort: Number(number), Type: protocol as ContainerPort['Type'] };
    if (!bindings) list.push(own);
    else for (const { HostIp, HostPort } of bindings) list.push({ IP: HostIp, PublicPort: Number(HostPort), ...own });
  }
  return list.sort((a, b) => a.PrivatePort - b.PrivatePort || (a.PublicPort ?? 0) - (b.PublicPort ?? 0));
}
