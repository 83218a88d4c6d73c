/** Containers' records for tests. */
import type { EndpointRecord } from '../network/endpoint.ts';
import type { PortBinding } from '../network/ports.ts';
import { never, type ContainerRecord, type Running, type StateRecord } from './container.ts';

/** A record of a container that was never started, with what a test is about. */
export function recordWith(fields: Partial<Omit<ContainerRecord, 'state'>> & { readonly state?: Partial<StateRecord> } = {}): ContainerRecord {
  const { state, ...rest } = fields;
  return {
    id: '0123456789abcdef'.repeat(4),
    name: 'box',
    created: '2024-01-02T03:04:05.000000006Z',
    image: { id: `sha256:${'ab'.repeat(32)}`, reference: 'base', chain: [] },
    config: {},
    hostConfig: {},
    mounts: [],
    networks: {},
    restartCount: 0,
    ...rest,
    state: { status: 'created', exitCode: 0, oomKilled: false, error: '', startedAt: never, finishedAt: never, stoppedByUser: false, ...state },
  };
}

/** What a running container has, without a process behind it. */
export function runningWith(fields: { readonly pid?: number; readonly endpoint?: EndpointRecord; readonly ports?: readonly PortBinding[] } = {}): Running {
  const { pid = 1, ports = [], endpoint } = fields;
  return { handle: { pid }, ports, namespaces: [], warnings: [], cgroupPath: '/test', ...(endpoint ? { endpoint } : {}) } as unknown as Running;
}
