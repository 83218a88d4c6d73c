/** The flags that name types of namespaces, as unshare(1) and nsenter(1) have them. */

const types = { user: 'U', mount: 'm', pid: 'p', uts: 'u', ipc: 'i', net: 'n', cgroup: 'C', time: 'T' } as const;

/** One boolean flag for each type. @param verb what is done with it: `Make a new` */
export function namespaceFlags(verb: string): Record<keyof typeof types, { readonly kind: 'bool'; readonly short: string; readonly help: string }> {
  const flag = (name: keyof typeof types) => ({ kind: 'bool' as const, short: types[name], help: `${verb} ${name} namespace` });
  return Object.fromEntries(Object.keys(types).map((name) => [name, flag(name as keyof typeof types)])) as ReturnType<typeof namespaceFlags>;
}

/** The kernel's names of the types that were asked for. */
export function namespaceTypes(flags: { readonly [K in keyof typeof types]: boolean }): Set<
  'user' | 'mnt' | 'pid' | 'uts' | 'ipc' | 'net' | 'cgroup' | 'time'
> {
  return new Set((Object.keys(types) as (keyof typeof types)[]).filter((name) => flags[name]).map((name) => (name === 'mount' ? 'mnt' : name)));
}
