/** Published ports: what the client asked for, as the engine's bindings. */
import type { ContainerConfig, HostConfig } from '../../api/schema.ts';
import type { PortBinding } from '../../network/ports.ts';
import { isIP } from 'node:net';
import { EngineError } from '../engine.ts';

/** Reads `PortBindings`, and with `PublishAllPorts` every exposed port. A host port of 0 means one that is free. @throws EngineError 400 */
export function portBindings(hostConfig: HostConfig, config: ContainerConfig): PortBinding[] {
  const asked = Object.entries(hostConfig.PortBindings ?? {}).flatMap(([key, bindings]) => {
    const port = readPort(key);
    const wanted = bindings.length ? bindings : [{}];
    return wanted.map(({ HostIp = '', HostPort = '' }) => binding(port, HostIp, HostPort));
  });
  if (!hostConfig.PublishAllPorts) return asked;
  const published = new Set(asked.map((b) => `${b.containerPort}/${b.protocol}`));
  const rest = Object.keys(config.ExposedPorts ?? {})
    .filter((key) => !published.has(key))
    .map((key) => binding(readPort(key), '', ''));
  return [...asked, ...rest];
}

type ContainerPort = Pick<PortBinding, 'containerPort' | 'protocol'>;

function readPort(key: string): ContainerPort {
  const match = /^(\d{1,5})(?:\/(tcp|udp))?$/i.exec(key);
  const port = Number(match?.[1]);
  if (!match || port < 1 || port > 65_535) throw new EngineError(400, `invalid port specification: "${key}": use PORT/tcp or PORT/udp`);
  return { containerPort: port, protocol: (match[2]?.toLowerCase() ?? 'tcp') as 'tcp' | 'udp' };
}

function binding(port: ContainerPort, hostIp: string, hostPort: string): PortBinding {
  if (hostIp !== '' && !isIP(hostIp)) throw new EngineError(400, `invalid host address "${hostIp}" of a published port: use an IP address`);
  // A range stands for one port of it, as in Docker; the first serves.
  const match = /^(?:(\d{1,5})(?:-\d{1,5})?)?$/.exec(hostPort);
  const number = Number(match?.[1] ?? 0);
  if (!match || number > 65_535) throw new EngineError(400, `invalid host port "${hostPort}": use a number from 1 to 65535`);
  return { ...port, hostIp, hostPort: number };
}
