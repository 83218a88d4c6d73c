/** Checks of what a container asks of its network: which one, names and addresses in it, published ports. */
import { isIP, isIPv4 } from 'node:net';
import type { ContainerCreateBody, EndpointRequest, HostConfig } from '../../api/schema.ts';
import { hostsFile, resolvConf } from '../../network/dns.ts';
import { EngineError } from '../engine.ts';
import { networkTarget } from './namespaces.ts';
import { portBindings } from './ports.ts';
import { refuse, refusing } from './refusal.ts';

/** @returns warnings. @throws EngineError 400, and 404 for a network that there is not */
export function validateNetwork(body: ContainerCreateBody, host: HostConfig): string[] {
  const { kind } = networkTarget(host);
  refuse((host.Links?.length ?? 0) > 0, 'links are not supported: containers on the bridge reach each other by address');
  refuse(host.NetworkMode === 'container:', 'invalid container format container:<name|id>');
  portBindings(host, body);
  refusing(() => resolvConf('', 'host', { servers: host.Dns ?? [], search: host.DnsSearch ?? [], options: host.DnsOptions ?? [] }));
  // host-gateway has an address on the bridge alone.
  refusing(() => hostsFile({ hostname: '', extra: host.ExtraHosts ?? [], ...(kind === 'bridge' ? { gateway: '0.0.0.0' } : {}) }));
  const published = Object.keys(host.PortBindings ?? {}).length > 0 || host.PublishAllPorts === true;
  if (kind === 'container') refuseForShared(body, host, published);
  const macs = [body.MacAddress, ...Object.values(body.NetworkingConfig?.EndpointsConfig ?? {}).map((e) => e.MacAddress)];
  for (const mac of macs) refuse(!!mac && !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac), `invalid MAC address: ${mac?.slice(0, 80)}`);
  refuse((kind === 'container' || kind === 'host') && macs.some(Boolean), 'conflicting options: mac-address and the network mode');
  validateEndpoints(body, host);
  return [
    ...(kind === 'bridge' && macs.some(Boolean)
      ? [`The MAC address ${macs.find(Boolean)} is not given: an address on the bridge has a MAC address that follows from it`]
      : []),
    ...(kind === 'host' && published ? ['Published ports are discarded when using host network mode'] : []),
  ];
}

/** The network of another container, with its names and ports, is as that container made it. */
function refuseForShared(body: ContainerCreateBody, host: HostConfig, published: boolean): void {
  refuse(!!body.Hostname, 'conflicting options: hostname and the network mode');
  refuse((host.Dns?.length ?? 0) + (host.DnsSearch?.length ?? 0) + (host.DnsOptions?.length ?? 0) > 0, 'conflicting options: dns and the network mode');
  refuse((host.ExtraHosts?.length ?? 0) > 0, 'conflicting options: custom host-to-IP mapping and the network mode');
  refuse(published, 'conflicting options: port publishing and the container type network mode');
  refuse(Object.keys(body.ExposedPorts ?? {}).length > 0, 'conflicting options: port exposing and the container type network mode');
}

/** `NetworkingConfig`: at most the one network that the container has, which is the bridge. */
function validateEndpoints(body: ContainerCreateBody, host: HostConfig): void {
  const endpoints = Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {});
  refuse(endpoints.length > 1, `Container cannot be connected to network endpoints: ${endpoints.map(([name]) => name).join(', ')}`);
  const [name = '', endpoint = {}] = endpoints[0] ?? [];
  if (name === '') return;
  const asked = networkTarget({ NetworkMode: name }).kind;
  const { kind } = networkTarget(host);
  refuse(asked !== kind && !!host.NetworkMode, `conflicting options: the network ${name} and the network mode ${host.NetworkMode}`);
  validateEndpoint(endpoint);
}

function validateEndpoint({ IPAMConfig = {}, Aliases = [], Links = [] }: EndpointRequest): void {
  const { IPv4Address: v4 = '', IPv6Address: v6 = '' } = IPAMConfig;
  refuse(v4 !== '' && !isIPv4(v4), `invalid IPv4 address: ${v4.slice(0, 80)}`);
  refuse(v6 !== '' && isIP(v6) !== 6, `invalid IPv6 address: ${v6.slice(0, 80)}`);
  if (v4 !== '' || v6 !== '')
    throw new EngineError(
      400,
      'invalid config for network bridge: user specified IP address is supported only when connecting to networks with user configured subnets',
    );
  refuse(Aliases.length > 0, 'network-scoped aliases are only supported for user-defined networks');
  refuse(Links.length > 0, 'links are not supported: containers on the bridge reach each other by address');
}
