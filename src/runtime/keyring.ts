/**
 * The session keyring of a process: keys are found through it, and it is inherited. A container that kept its engine's could read what
 * the engine's session holds (a Kerberos ticket, a key of an encrypted directory). See session-keyring(7), keyctl(2).
 *
 * It has no name. A keyring that is joined by its name is whoever's made one of that name first and lets others search it: names are
 * those of a user namespace, which containers share. And it is for those who possess it alone: as the kernel makes it, everyone with
 * the same user id may link to it, and so come to possess it.
 */
import { call } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import type { Step } from '../step/step.ts';

const KEYCTL_JOIN_SESSION_KEYRING = 1;
const KEYCTL_SETPERM = 5;
const KEY_SPEC_SESSION_KEYRING = -3;
/** All that there is, for who possesses it. */
const KEY_POS_ALL = 0x3f000000;

/** Begins a session keyring. */
export function keyringStep(): Step {
  // A kernel without keys has none to give away; and where a filter refuses it to us, it refuses it to the container too.
  const accept = [errno.ENOSYS, errno.EPERM];
  return {
    id: 'process.keyring',
    what: 'Begin a session keyring of its own',
    calls: [
      call('keyctl', [KEYCTL_JOIN_SESSION_KEYRING, null, 0, 0, 0], { accept }),
      call('keyctl', [KEYCTL_SETPERM, KEY_SPEC_SESSION_KEYRING, KEY_POS_ALL, 0, 0], { accept: [...accept, errno.EACCES] }),
    ],
    shell: '# keyctl(1) is not part of util-linux: keyctl session - PROGRAM',
    look: 'cat /proc/keys',
  };
}
