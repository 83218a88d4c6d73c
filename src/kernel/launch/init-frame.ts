/** What the two versions of the init (init-x64.ts, init-arm64.ts) share: their stack frame, constants and messages. */

/** Offsets from the stack pointer, in bytes. */
export const frame = { oldMask: 0, allMask: 8, siginfo: 16, status: 144, action: 152, group: 192, size: 256 } as const;

export const SIGCHLD = 17;
export const SIG_BLOCK = 0;
export const SIG_SETMASK = 2;
export const WNOHANG = 1;
export const TIOCSPGRP = 0x5410;
export const PR_SET_CHILD_SUBREAPER = 36;
export const ENOENT = 2;
export const ENOTDIR = 20;
/** `--` and its NUL, as the low 24 bits of a little-endian word. */
export const separator = 0x2d2d;

export const notFound = new TextEncoder().encode('init: the command was not found\n');
export const notExecutable = new TextEncoder().encode('init: the command cannot be executed\n');
export const notFoundStatus = 127;
export const notExecutableStatus = 126;
