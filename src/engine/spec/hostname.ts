/** What a container is called, by itself. */
import { hostname } from 'node:os';
import type { ContainerConfig, HostConfig } from '../../api/schema.ts';
import { refuse } from './refusal.ts';

/** The host name: the one asked for, the host's own where the container shares its UTS namespace or network, else the short id. */
export function hostnameOf(id: string, config: Pick<ContainerConfig, 'Hostname'>, hostConfig: Pick<HostConfig, 'UTSMode' | 'NetworkMode'>): string {
  if (hostConfig.UTSMode === 'host') return hostname();
  return config.Hostname || (hostConfig.NetworkMode === 'host' ? hostname() : id.slice(0, 12));
}

/** Names go into files that programs trust and to sethostname(2), which takes 64 bytes. @throws EngineError 400 */
export function checkHostname({ Hostname = '', Domainname = '' }: Pick<ContainerConfig, 'Hostname' | 'Domainname'>): void {
  refuse(Hostname !== '' && !/^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?$/.test(Hostname), `invalid hostname format: ${Hostname.slice(0, 80)}`);
  refuse(Domainname !== '' && !/^[a-zA-Z0-9._-]{1,64}$/.test(Domainname), `invalid domain name: ${Domainname.slice(0, 80)}`);
}
