/**
 * What hako-oci can do, whatever the machine can: the features document of the runtime specification (features.md,
 * features-linux.md). features.test.ts holds each name against what does it.
 */
import { capabilityNames } from '../kernel/capability.ts';
import { knownMountOptions } from '../runtime/rootfs/mount-options.ts';
import { specVersion } from './spec-version.ts';
import { ownVersion } from './version.ts';

/** The features document. */
export function features(): object {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: knownMountOptions(),
    linux: {
      namespaces: ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'],
      capabilities: [...capabilityNames],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: ['ALLOW', 'ERRNO', 'KILL', 'KILL_PROCESS', 'KILL_THREAD', 'LOG', 'NOTIFY', 'TRACE', 'TRAP'].map((name) => `SCMP_ACT_${name}`),
        operators: ['EQ', 'GE', 'GT', 'LE', 'LT', 'MASKED_EQ', 'NE'].map((name) => `SCMP_CMP_${name}`),
        archs: ['AARCH64', 'ARM', 'X32', 'X86', 'X86_64'].map((name) => `SCMP_ARCH_${name}`),
        knownFlags: seccompFlags,
        supportedFlags: seccompFlags,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true },
      mountExtensions: { idmap: { enabled: true } },
    },
    annotations: {
      'org.hakobune.version': ownVersion(),
      'org.opencontainers.runc.checkpoint.enabled': 'true', // by this name callers ask
    },
    potentiallyUnsafeConfigAnnotations: ['org.systemd.property.'],
  };
}

const seccompFlags = ['LOG', 'SPEC_ALLOW', 'TSYNC', 'WAIT_KILLABLE_RECV'].map((name) => `SECCOMP_FILTER_FLAG_${name}`);
