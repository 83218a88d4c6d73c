/** Errors that are how programs ask, and no refusals. */

const answers = new Set([
  'EINTR',
  'ENOTTY',
  'ESPIPE',
  'ENODATA',
  'ECHILD',
  'EINPROGRESS',
  'EALREADY',
  'EISCONN',
  'ENOTCONN',
  'ENOPROTOOPT',
  'EPIPE',
  'ERANGE',
  'EBADF',
  'EOPNOTSUPP',
  'EINVAL',
  'EEXIST',
  'EISDIR',
  'ENOTEMPTY',
  'EFAULT',
  'ESRCH',
  'ENXIO',
]);

/** Whether an error of a call is an answer: wrong kind of descriptor, nothing there yet, interrupted. (Unless the filter gave it.) */
export const isAnswer = (name: string, error: string): boolean =>
  answers.has(error) ||
  /^errno 5\d\d$/.test(error) ||
  (error === 'EAGAIN' && !/^(fork|vfork|clone3?|mlock|setuid|setresuid|execve)/.test(name)) ||
  (error === 'ETIMEDOUT' && name !== 'connect');
