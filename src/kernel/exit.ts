/**
 * Ending this process. Node joins its threads and gives its memory back piece by piece, which takes 2 ms of a command; where the library
 * for system calls is loaded anyway, exit_group(2) is made, and the kernel does it at once.
 */

let exitGroup: ((status: number) => void) | undefined;
let usesStreams = false;

/** Tells how exit_group(2) is made; the library for system calls does, when it is loaded. */
export function provideExitGroup(make: (status: number) => void): void {
  exitGroup = make;
}

/** To be called by who uses Node's streams of standard input and output: it is Node that sets a terminal back as it was. */
export function useStreams(): void {
  usesStreams = true;
}

/** Ends this process when every listener for its exit has been called. */
export function exit(status: number): never {
  if (exitGroup && !usesStreams) process.once('exit', exitGroup);
  return process.exit(status);
}
