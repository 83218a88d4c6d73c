/** What is asked of a cgroup and cannot be, by the rules of cgroups or of this machine: one sentence for the user. */
export class CgroupError extends Error {
  override readonly name = 'CgroupError';
}
