/** The environment that the client hands on to a program it runs itself: its own, without what the launcher `./hako` put in for Node. */

/** Lines `NAME=VALUE`. */
export function ownEnvironment(): string[] {
  return Object.entries(process.env)
    .filter(([name]) => name !== 'NODE_COMPILE_CACHE')
    .map(([name, value]) => `${name}=${value ?? ''}`);
}
