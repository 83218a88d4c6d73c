/** The container whose steps are explained in the manual (test/support/every-step.ts): its plans, with all that one can ask for. */
import type { ContainerConfig, HostConfig, MountPoint } from '../../src/api/schema.ts';
import { inNamespaceOf } from '../../src/engine/networking.ts';
import { buildSpec } from '../../src/engine/spec/build.ts';
import { Unknown, type Known } from '../../src/kernel/call.ts';
import { encodeAttributes, nested, raw, u16be, u8 } from '../../src/kernel/netlink/attribute.ts';
import { NetlinkSocket } from '../../src/kernel/netlink/socket.ts';
import { ensureBridge, removeBridge, type Bridge } from '../../src/network/bridge.ts';
import { createEndpoint, removeEndpoints } from '../../src/network/endpoint.ts';
import type { Netlink } from '../../src/network/netlink.ts';
import { publishPorts, unpublishPorts, type PortBinding } from '../../src/network/ports.ts';
import { parseSubnet } from '../../src/network/subnet.ts';
import type { CgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import type { Spec } from '../../src/runtime/spec.ts';
import type { StartPlan } from '../../src/runtime/start.ts';
import type { Procedure } from '../../src/step/step.ts';

const id = '3f2a9c41d07e';
/** Its cgroup. */
export const cgroupPath = `/hako/${id}`;

/** Where the engine writes what is bound at files of /etc, below the root of the file system. */
export const engineFiles = `run/hako/containers/${id}`;

/** What a container can be asked for. */
export interface Features {
  readonly everything?: boolean;
  readonly userNamespace?: boolean;
  readonly terminal?: boolean;
  readonly init?: boolean;
  /** Where a tree begins that has its files, as a container's have been written when it starts; they are explained without it. */
  readonly tree?: string;
  /** The namespaces of another container. */
  readonly joins?: boolean;
  /** What only config.json can ask for. */
  readonly onlyOci?: boolean;
  /** Somebody stops it before its root is changed. */
  readonly watched?: boolean;
}

/** All limits, files, namespaces and the network. */
export const everything: Features = { everything: true };

const bindings: readonly PortBinding[] = [
  { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
  { hostIp: '', hostPort: 5353, containerPort: 53, protocol: 'udp' },
];
const subnet = parseSubnet('172.17.0.0/16');
const address = '172.17.0.2';
/** The host's end of its cable. */
export const hostInterface = 'veth3f2a9c4';
const bridge: Bridge = { name: 'hako0', index: new Unknown('bridge'), subnet, gateway: '172.17.0.1', mtu: 1500 };

/** As the engine explains a connection: the bridge first, the ports last. */
function* connection(netlink: Netlink, existing?: { readonly namespace: Known; readonly pid: Known }): Procedure<Known> {
  const made = yield* ensureBridge(netlink, { name: 'hako0', subnet });
  const endpoint = yield* createEndpoint(netlink, { bridge: made, address, ...(existing ? { existing } : {}) });
  yield* publishPorts(netlink, made, { address, bindings });
  return endpoint.namespace;
}

function* connectionOf(netlink: Netlink, pid: Known): Procedure {
  yield* inNamespaceOf(pid, (namespace) => connection(netlink, { namespace, pid }));
}

/** What is taken away of its network when it has ended. */
export function* endOfNetwork(): Procedure {
  const netlink = netlinkWithFlow();
  yield* unpublishPorts(netlink, bridge, { address, bindings });
  yield* removeEndpoints(netlink, [{ address, hostInterface }]);
  // Not removeBridge as the engine applies it: the bridge is not there.
  yield* removeBridge(netlink, 'hako0');
}

/** Sockets that know of one UDP flow to the published port. */
function netlinkWithFlow(): Netlink {
  const CTA_TUPLE_ORIG = 1;
  const original = nested(CTA_TUPLE_ORIG, 'orig', [
    nested(1, 'ip', [raw(1, 'v4_src', Uint8Array.of(192, 0, 2, 7)), raw(2, 'v4_dst', Uint8Array.of(192, 0, 2, 1))]),
    nested(2, 'proto', [u8(1, 'num', 17), u16be(2, 'sport', 40_000), u16be(3, 'dport', 5353)]),
  ]);
  const body = Buffer.concat([Uint8Array.of(2, 0, 0, 0), encodeAttributes([original])]);
  const netfilter = Object.assign(new NetlinkSocket('NETLINK_NETFILTER'), { dump: () => [{ type: 0, flags: 0, sequence: 0, body }] });
  return { route: new NetlinkSocket('NETLINK_ROUTE'), netfilter };
}

const joinable = ['mount', 'uts', 'ipc', 'pid', 'network', 'user'] as const;

/** The plan of its start. */
export function planOf(layout: CgroupLayout, features: Features): StartPlan {
  const { everything: all = false, userNamespace = false } = features;
  const root = '/var/lib/hako/containers/3f2a9c41d07e';
  const networked = all && !userNamespace;
  const netlink = all ? netlinkWithFlow() : undefined;
  return {
    id,
    owner: '/run/hako',
    spec: specOf(features),
    overlay: { lower: ['/var/lib/hako/layers/base'], upper: `${root}/upper`, work: `${root}/work`, target: '/run/hako/rootfs' },
    layout,
    stdin: true,
    init: features.init ?? false,
    findsProgram: features.onlyOci ?? false,
    ...(features.watched ? { watch: { pauses: (s) => s.id === 'mount.pivot' } } : {}),
    idMapped: new Set(['/data']),
    ...(networked ? { network: () => connection(netlink!) } : {}),
    ...(all && userNamespace ? { connect: (pid: Known) => connectionOf(netlink!, pid) } : {}),
  };
}

/** Its specification. */
export function specOf({ everything: all = false, userNamespace = false, terminal = false, joins = false, onlyOci = false, tree = '' }: Features): Spec {
  const config: ContainerConfig = {
    Hostname: 'web',
    Domainname: 'example.org',
    User: '1000',
    Env: ['PATH=/usr/bin:/bin'],
    Cmd: ['sh'],
    Tty: terminal,
    WorkingDir: '/',
  };
  const limits: HostConfig = {
    NanoCpus: 500_000_000,
    CpuShares: 512,
    CpusetCpus: '0',
    CpusetMems: '0',
    Memory: 64 << 20,
    PidsLimit: 100,
    BlkioWeight: 500,
    BlkioDeviceReadBps: [{ Path: '/dev/vda', Rate: 1 << 20 }],
    ReadonlyRootfs: true,
    Tmpfs: { '/run': '' },
    Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
    Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }],
    SecurityOpt: ['no-new-privileges'],
    OomScoreAdj: 100,
  };
  const volume: MountPoint = {
    Type: 'volume',
    Name: 'data',
    Source: '/var/lib/hako/volumes/data',
    Destination: '/data',
    Driver: 'local',
    Mode: '',
    RW: true,
    Propagation: '',
  };
  const { spec } = buildSpec({
    id,
    config,
    hostConfig: { ...(all ? limits : {}), NetworkMode: all && !userNamespace ? 'bridge' : 'none', ...(userNamespace ? { UsernsMode: 'private' } : {}) },
    user: { uid: 1000, gid: 1000, additionalGids: [27], home: '/' },
    files: Object.fromEntries(
      ['hosts', 'hostname', 'resolvConf'].map((name) => [name, `${tree}/${engineFiles}/${name === 'resolvConf' ? 'resolv.conf' : name}`]),
    ) as never,
    mounts: all ? [volume] : [],
    joined: {},
    cgroupsPath: cgroupPath,
  });
  if (joins)
    return {
      ...spec,
      linux: {
        ...spec.linux,
        namespaces: joinable.map((type) => ({ type, path: `/proc/4711/ns/${{ network: 'net', mount: 'mnt' }[type as string] ?? type}` })),
      },
    };
  if (onlyOci)
    return {
      ...spec,
      process: {
        ...spec.process,
        cwd: '/dev/shm/work',
        scheduler: { policy: 'SCHED_BATCH', nice: 10 },
        ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 7 },
        apparmorProfile: 'web',
        selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2',
      },
      linux: { ...spec.linux, personality: { domain: 'LINUX32' } },
    };
  if (!all) return spec;
  return {
    ...spec,
    process: {
      ...spec.process,
      user: { ...spec.process.user, umask: 0o027 },
      capabilities: { ...spec.process.capabilities!, ambient: ['CAP_NET_BIND_SERVICE'] },
    },
    linux: {
      ...spec.linux,
      namespaces: [...spec.linux.namespaces, { type: 'time' as const }],
      timeOffsets: { boottime: { secs: 86_400, nanosecs: 0 } },
      maskedPaths: ['/proc/interrupts'],
      readonlyPaths: ['/proc/sys'],
      resources: {
        ...spec.linux.resources,
        hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }],
        unified: { 'memory.high': String(48 << 20) },
        blockIO: { ...spec.linux.resources?.blockIO, throttleReadBpsDevice: [{ major: 253, minor: 0, rate: 1 << 20 }] },
      },
    },
  };
}

/** The plan of one more process in it. */
export const execPlan = (layout: CgroupLayout) => ({
  id: 'exec-1',
  owner: '/run/hako',
  process: specOf({}).process,
  pid: 4711,
  namespaces: ['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup'],
  cgroup: { layout, path: cgroupPath, hierarchies: layout.hierarchies },
  stdin: true,
});
