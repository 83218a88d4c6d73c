/**
 * From a container's record to the plan of its start: layers, user, network, generated files, and the OCI
 * specification. The same plan is applied by `start` and printed by `explain`.
 */
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostnameFile, hostResolvConf, hostsFile, resolvConf, sharedHostsFile } from '../network/dns.ts';
import { openOverlay } from '../runtime/rootfs/rootfs.ts';
import type { StartPlan } from '../runtime/start.ts';
import { UserError, type ContainerUser } from '../runtime/user.ts';
import type { OverlayMount } from '../storage/snapshots.ts';
import { EngineError } from './engine.ts';
import type { Container } from './container.ts';
import type { Connection } from './networking.ts';
import type { Parts } from './parts.ts';
import { buildSpec } from './spec/build.ts';
import { resolveContainerUser } from './spec/container-user.ts';
import { hostnameOf } from './spec/hostname.ts';
import { hasUserNamespace, joinedNamespaces, networkTarget } from './spec/namespaces.ts';
import { portBindings } from './spec/ports.ts';
import type { StartWatch } from './start-watch.ts';

/** A start that is ready to be applied. */
export interface PreparedStart {
  readonly plan: StartPlan;
  readonly connection: Connection | undefined;
  readonly warnings: readonly string[];
}

/** Prepares a start: reserves ports and an endpoint, writes the generated files. @throws EngineError, NetworkError */
export async function prepareStart(parts: Parts, container: Container, watch?: StartWatch): Promise<PreparedStart> {
  const { hostConfig, config } = container.record;
  const bindings = portBindings(hostConfig, config);
  const connection = usesBridge(container)
    ? await parts.networking.connect(container.id, bindings, { ownedByUser: hasUserNamespace(hostConfig), inView: watch !== undefined })
    : undefined;
  try {
    parts.files.prepareRun(container.id);
    writeGeneratedFiles(parts, container, connection);
    const { plan, warnings } = makePlan(parts, container, connection);
    return { plan: watch ? { ...plan, watch: watch.process } : plan, warnings, connection };
  } catch (error) {
    if (connection) parts.networking.disconnect(container.id, connection, connection.namespace);
    throw error;
  }
}

/**
 * The plan without its effects, for an explanation; `close` when it has been walked.
 * @param bridge another one than the engine's
 */
export function explainedStart(parts: Parts, container: Container, bridge?: string): { readonly plan: StartPlan; readonly close: () => void } {
  const { hostConfig, config } = container.record;
  const network = usesBridge(container) ? parts.networking.explained(portBindings(hostConfig, config), hasUserNamespace(hostConfig), bridge) : undefined;
  return { plan: makePlan(parts, container, network).plan, close: () => network?.close() };
}

const usesBridge = (container: Container): boolean => networkTarget(container.record.hostConfig).kind === 'bridge';

function makePlan(
  parts: Parts,
  container: Container,
  network: Pick<Connection, 'join' | 'connect'> | undefined,
): { plan: StartPlan; warnings: readonly string[] } {
  const { record, id } = container;
  const overlay = parts.snapshots.mountOf(id, parts.images.lowerDirs(record.image.chain));
  // Who shares a network shares what names it.
  const target = networkTarget(record.hostConfig);
  const directory = parts.files.runDirectory(target.kind === 'container' ? parts.containers.find(target.ref).id : id);
  const files = { hosts: join(directory, 'hosts'), hostname: join(directory, 'hostname'), resolvConf: join(directory, 'resolv.conf') };
  const { spec, warnings } = buildSpec({
    id,
    config: record.config,
    hostConfig: record.hostConfig,
    user: userOf(container, overlay),
    files,
    mounts: record.mounts,
    joined: joinedNamespaces(record.hostConfig, (ref) => runningPid(parts, ref)),
    cgroupsPath: `${record.hostConfig.CgroupParent ? `/${record.hostConfig.CgroupParent.replace(/^\/+/, '')}` : parts.cgroups.parent}/${id}`,
  });
  const plan: StartPlan = {
    id,
    owner: parts.settings.run,
    spec,
    overlay,
    layout: parts.layout,
    stdin: record.config.OpenStdin ?? false,
    files: Object.values(files),
    init: record.hostConfig.Init ?? false,
    idMapped: new Set(record.mounts.filter((m) => m.Type === 'volume').map((m) => m.Destination)),
    ...(network?.join ? { network: network.join } : {}),
    ...(network?.connect ? { connect: network.connect } : {}),
  };
  return { plan, warnings };
}

/** The process id of a container whose namespaces are to be shared. */
function runningPid(parts: Parts, ref: string): number {
  const other = parts.containers.find(ref);
  if (!other.running) throw new EngineError(409, `cannot join the namespace of a non running container: ${other.record.name}`);
  return other.running.handle.pid;
}

const users = new Map<string, ContainerUser>();
const rememberedUsers = 200;

/**
 * Who it runs as, by the passwd and group files of its own root. Those of an image do not change, so they are read once
 * for each image; a container that has written to its /etc has its own.
 */
function userOf(container: Container, overlay: OverlayMount): ContainerUser {
  const { image, config, hostConfig } = container.record;
  const user = config.User ?? '';
  const groups = hostConfig.GroupAdd ?? [];
  const fresh = !existsSync(join(overlay.upper, 'etc'));
  const key = JSON.stringify([image.chain, user, groups]);
  const known = fresh ? users.get(key) : undefined;
  if (known) return known;
  const root = openRoot(overlay, fresh);
  try {
    const resolved = resolveContainerUser(root, user, groups);
    if (users.size >= rememberedUsers) users.clear();
    if (fresh) users.set(key, resolved);
    return resolved;
  } catch (error) {
    throw error instanceof UserError ? new EngineError(400, error.message) : error;
  } finally {
    closeSync(root);
  }
}

/** The root as the container will see it; of a fresh one the image's layers alone, which touches nothing of its own. */
function openRoot(overlay: OverlayMount, fresh: boolean): number {
  const [top] = overlay.lower;
  if (fresh && overlay.lower.length === 1 && top !== undefined) return openSync(top, 'r');
  const root = openOverlay(overlay, fresh);
  if (root < 0) throw new EngineError(500, `the layers of the container can't be mounted (errno ${-root})`);
  return root;
}

/** The files that are made for a container, by the names that they have in /etc. */
export type GeneratedFiles = Readonly<Record<'hosts' | 'hostname' | 'resolv.conf', string>>;

/** /etc/hosts, /etc/hostname and /etc/resolv.conf, which are bound into the container. @param address of it, with its gateway's @param fallback name servers, for want of others */
export function generatedFiles(
  container: Container,
  address?: { readonly address: string; readonly gateway: string },
  fallback?: readonly string[],
): GeneratedFiles {
  const { hostConfig, config } = container.record;
  const hostname = hostnameOf(container.id, config, hostConfig);
  const isHost = networkTarget(hostConfig).kind === 'host';
  const extra = hostConfig.ExtraHosts ?? [];
  const hosts = isHost
    ? sharedHostsFile(readHostFile('/etc/hosts'), extra)
    : hostsFile({ hostname, extra, ...(config.Domainname ? { domainname: config.Domainname } : {}), ...address });
  const dns = { servers: hostConfig.Dns ?? [], search: hostConfig.DnsSearch ?? [], options: hostConfig.DnsOptions ?? [], fallback };
  const kind = isHost ? 'host' : 'bridge';
  return { hosts, hostname: hostnameFile(hostname), 'resolv.conf': resolvConf(hostResolvConf(kind), kind, dns) };
}

function writeGeneratedFiles(parts: Parts, container: Container, connection: Connection | undefined): void {
  if (networkTarget(container.record.hostConfig).kind === 'container') return; // those of the other container are bound
  const files = generatedFiles(container, connection && { address: connection.endpoint.address, gateway: connection.gateway }, parts.networking.nameServers);
  for (const [name, content] of Object.entries(files)) write(join(parts.files.runDirectory(container.id), name), content);
}

function write(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o644 });
}

function readHostFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
