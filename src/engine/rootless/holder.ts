/**
 * The namespaces of a user's engine, held by a process that does nothing else: engines come and go, containers stay, and the next engine
 * must get to where they are. The holder is a static ELF of some hundred bytes, as the monitors are. See user_namespaces(7).
 */
import { call } from '../../kernel/call.ts';
import { describeCall } from '../../kernel/describe.ts';
import { errno, KernelError } from '../../kernel/errno.ts';
import { atFlags, cloneFlags, memfdFlags, mountFlags, openFlags } from '../../kernel/flags.ts';
import { holdNamespaces, unblockSignals, vforkTable, type Holder } from '../../kernel/launch/child.ts';
import { monitorProgram, sealedProgram, tableAddress, tableDescriptor } from '../../kernel/launch/program.ts';
import { compileTable, refusedRows, rows, type Row } from '../../kernel/launch/table.ts';
import { must, perform } from '../../kernel/perform.ts';
import { identify, type ProcessIdentity } from '../../kernel/process.ts';
import { nullDevice } from '../../runtime/null-device.ts';
import { writeMaps } from '../../runtime/subordinate-ids.ts';
import { apply } from '../../step/apply.ts';
import type { OwnMaps } from '../../runtime/granted-ids.ts';

/** What the engine of a user has of its own. */
export const ownNamespaces = cloneFlags.CLONE_NEWUSER | cloneFlags.CLONE_NEWNS | cloneFlags.CLONE_NEWNET;

/**
 * Makes the namespaces and starts their holder.
 * @param owner shown in the process list: the engine's run directory
 * @throws Error in one sentence where this machine gives users no such namespaces
 */
export async function startHolder(owner: string, maps: OwnMaps): Promise<ProcessIdentity> {
  const mapped = holdUserNamespace();
  try {
    await apply(writeMaps(mapped.pid, { uidMappings: [...maps.uidMappings], gidMappings: [...maps.gidMappings] }), { kernel: { call: perform } });
    const user = must(call('openat', [-1, `/proc/${mapped.pid}/ns/user`, openFlags.O_CLOEXEC, 0]));
    return execHolder(owner, user);
  } finally {
    mapped.release();
  }
}

function holdUserNamespace(): Holder {
  try {
    return holdNamespaces(cloneFlags.CLONE_NEWUSER);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const remedy =
      error.errno === errno.ENOSPC
        ? 'sysctl -w user.max_user_namespaces=15000'
        : error.errno === errno.EPERM
          ? 'sysctl -w kernel.unprivileged_userns_clone=1, where there is that one'
          : 'a kernel with CONFIG_USER_NS';
    throw new Error(
      `this machine gives ordinary users no user namespace, which an engine of their own needs (${error.code}): as root, ${remedy}; or run hako as root`,
      {
        cause: error,
      },
    );
  }
}

/** The holder is born in the user namespace, makes the others, and becomes a program that only waits. */
function execHolder(owner: string, user: number): ProcessIdentity {
  const table = programTable([{ call: call('ppoll', [null, 0, null, null, 8]) }, { call: call('exit_group', [0]) }]);
  const program = sealedProgram('hako-holder', monitorProgram());
  const section: Row[] = rows([
    unblockSignals(),
    call('setns', [user, cloneFlags.CLONE_NEWUSER]),
    call('unshare', [cloneFlags.CLONE_NEWNS | cloneFlags.CLONE_NEWNET]),
    // What the host mounts later is seen here; what is mounted here is not seen there.
    call('mount', [null, '/', null, mountFlags.MS_REC | mountFlags.MS_SLAVE, null]),
    call('setsid', []),
    ...[0, 1, 2].map((fd) => call('dup3', [nullDevice(), fd, 0])),
    call('dup3', [table, tableDescriptor, 0]),
    call('execveat', [program, '', ['hako-holder', owner], [], atFlags.AT_EMPTY_PATH]),
    call('exit_group', [125]),
  ]);
  const child = vforkTable(section, 0);
  const [refused] = refusedRows(child.table, 0, section.slice(0, -1), child.bytes);
  if (refused) {
    const { row, errno: number } = refused;
    const confined = row.call.name === 'unshare' && number === errno.EPERM;
    throw new Error(
      `the namespaces of an engine of your own cannot be made: ${new KernelError(describeCall(row.call), number).message}` +
        (confined ? ' (where AppArmor confines user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0)' : ''),
    );
  }
  return identify(child.pid)!;
}

/** A descriptor of a table for the program of the launcher. */
export function programTable(section: readonly Row[]): number {
  const { bytes } = compileTable([section], BigInt(tableAddress));
  const fd = must(call('memfd_create', ['hako-table', memfdFlags.MFD_CLOEXEC]));
  must(call('write', [fd, bytes, bytes.length]));
  return fd;
}
