/**
 * The steps by which the new process puts its tree of files together, in the configuration's order: each mount beneath the root,
 * and on it, as soon as it is there, the devices and links that belong to it. What was prepared for it is in tree.ts.
 */
import { result, type Arg, type Call, type Result } from '../../kernel/call.ts';
import { mountAttrs } from '../../kernel/flags.ts';
import { word } from '../../step/shell.ts';
import type { Step } from '../../step/step.ts';
import { remountReadOnlyStep } from './cover-steps.ts';
import { deviceSteps, linkStep } from './dev-steps.ts';
import { bound, deviceThere, judged, linked, mounted, readOnly } from '../init-goals.ts';
import { attachStep, bindStep, linkMountStep, lookAtMount, makeMountPoint, mountStep, remountStep, setAttributes } from './mount-steps.ts';
import type { Spec } from '../spec.ts';
import type { Tree, TreeMount } from './tree.ts';
import { isBelow, mountAbove } from './tree-view.ts';

/** The steps, and what comes of them. */
export interface TreeSteps {
  readonly steps: readonly Step[];
  /** What is done when nothing more is to be made in the tree: mounts that are read-only, with something on them. */
  readonly last: readonly Step[];
  /** The root: another than before, where something was mounted over it. */
  readonly root: Arg;
  /** A procfs that was mounted and has kernel parameters, itself: not whatever is found at /proc by name (CVE-2025-52881). */
  readonly proc: Result | undefined;
}

/** What is put together. */
export interface TreeStepsPlan {
  readonly spec: Spec;
  readonly root: Arg;
  /** Where the root is attached before it is the root. */
  readonly rootTarget: string;
  readonly tree: Tree;
}

/** Every mount in its order, with the devices and links. */
export function treeSteps(plan: TreeStepsPlan): TreeSteps {
  const { tree, rootTarget } = plan;
  const inUserNamespace = plan.spec.linux.namespaces.some((n) => n.type === 'user');
  let root: Arg = plan.root;
  let proc: Result | undefined;
  const steps = [...nodes(-1)];
  const last: Step[] = [];
  for (const [i, entry] of tree.mounts.entries()) {
    const before = tree.mounts.slice(0, i);
    const made = stepsOf(entry, before);
    steps.push(...made, ...(entry.kind === 'remount' || entry.link !== undefined ? [] : nodes(i)));
  }
  return { steps, last, root, proc };

  function stepsOf(entry: TreeMount, before: readonly TreeMount[]): Step[] {
    const { kind, mount, source, isFile } = entry;
    if (kind === 'remount') return [remountStep(root, mount)];
    // The engine has made the mount points in the image. Links of the image may lead from one mount of the user's into another, which hides it.
    const mayBeHidden = isUsers(mount.destination) && before.some((m) => isUsers(m.mount.destination) && !m.isFile);
    const missing = missingMountPoint(entry, inUserNamespace || mayBeHidden);
    if (entry.link !== undefined) return [linkMountStep(root, mount, entry.link, parentsOf(entry.place))];
    if (kind === 'cgroup') return cgroupSteps(entry);
    if (kind === 'bind') {
      const taken = judged(bindStep(root, mount, source!, missing), bound(rootTarget, mount));
      if (entry.place === '/') root = source!.fd;
      return [taken];
    }
    const isLate = mount.type === 'tmpfs' && entry.options.set & mountAttrs.MOUNT_ATTR_RDONLY && holdsMore(entry);
    const first = isLate ? { ...mount, options: mount.options.filter((option) => option !== 'ro') } : mount;
    const taken = source ? attachStep(root, first, source, missing) : mountStep(root, first, missing, labelOf(entry));
    const mnt = taken.calls.find((c) => c.name === 'fsmount');
    if (isLate) last.push(judged(closeStep(mount.destination, source?.fd ?? result(mnt!)), readOnly('', mount.destination)));
    if (mount.type === 'proc' && mnt && !mount.options.includes('subset=pid')) proc = result(mnt);
    if (entry.place === '/') root = source?.fd ?? result(mnt!);
    return [judged(taken, mounted(rootTarget, first))];

    /** The calls that make a mount point inside a mount of ours, or anywhere. */
    function missingMountPoint({ place }: TreeMount, everywhere: boolean): Call[] {
      if (place === '/') return [];
      const above = mountAbove(before, place)?.place;
      if (above === undefined) return everywhere ? makeMountPoint(root, place, '/', isFile) : [];
      return above === place ? [] : makeMountPoint(root, place, above, isFile);
    }
  }

  /** Whether something of the configuration comes to lie on a mount: it is made there, so the mount is read-only only then. */
  function holdsMore(entry: TreeMount): boolean {
    const index = tree.mounts.indexOf(entry);
    const later = entry.kind !== 'remount' && tree.mounts.slice(index + 1).some(({ place }) => isBelow(place, entry.place));
    // A terminal has its place in /dev, too.
    return later || tree.links?.after === index || tree.devices.some(({ after }) => after === index);
  }

  function parentsOf(path: string): Call[] {
    const at = path.lastIndexOf('/');
    return at <= 0 ? [] : makeMountPoint(root, path.slice(0, at), '/', false);
  }

  function labelOf({ mount }: TreeMount): string | undefined {
    // These have contexts of the kernel's own for each file.
    return labelledByKernel.has(mount.type) ? undefined : plan.spec.linux.mountLabel;
  }

  /** The devices and links that lie on a mount. */
  function nodes(index: number): Step[] {
    const below = index < 0 ? '/' : tree.mounts[index]!.place;
    const devices = tree.devices.filter(({ after }) => after === index);
    const { links } = tree;
    const linkSteps =
      links?.after === index && links.links.length ? [judged(withDirectory(linkStep(root, links.links, links.replaced)), linked(rootTarget, links.links))] : [];
    return [...deviceSteps(root, devices, below).map((s, i) => judged(s, deviceThere(rootTarget, devices[i]!))), ...linkSteps];

    function withDirectory(links: Step): Step {
      return below === '/dev' ? links : { ...links, calls: [...makeMountPoint(root, '/dev', below, false), ...links.calls] };
    }
  }

  /** Whether sysfs has the directory: it has one for cgroups. */
  function hasKernelsPlace(path: string): boolean {
    return path === '/sys/fs/cgroup' && tree.mounts.some(({ mount }) => mount.destination === '/sys' && (mount.type === 'sysfs' || mount.source === '/sys'));
  }

  function cgroupSteps({ cgroups }: TreeMount): Step[] {
    if (!cgroups) return [];
    const { mounts, links, sources, thenReadOnly } = cgroups;
    const [first] = mounts;
    return [
      ...mounts.map((mount) => {
        const missing = makeMountPoint(root, mount.destination, mount === first ? '/' : first!.destination, false);
        const needed = mount === first && hasKernelsPlace(mount.destination) ? [] : missing;
        const source = sources.get(mount);
        return source
          ? judged(bindStep(root, mount, source, needed), bound(rootTarget, mount))
          : judged(mountStep(root, mount, needed), mounted(rootTarget, mount));
      }),
      ...(links.length ? [judged(linkStep(root, links), linked(rootTarget, links))] : []),
      ...(thenReadOnly ? [judged(remountReadOnlyStep(root, thenReadOnly), readOnly(rootTarget, thenReadOnly))] : []),
    ];
  }
}

/** Makes a mount read-only, by its own descriptor: by now the root is another. */
function closeStep(path: string, mount: Arg): Step {
  return {
    id: 'mount.remount-read-only',
    what: `Make the mount at ${path} read-only`,
    calls: [setAttributes(mount, { set: mountAttrs.MOUNT_ATTR_RDONLY })],
    shell: `\${host}mount -o remount,bind,ro ${word(path)}`,
    look: lookAtMount(path),
  };
}

const labelledByKernel = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'mqueue', 'devpts']);

/** Mount points that every container has, with what is beneath them. */
const usual = ['/proc', '/dev', '/sys', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf'];
const isUsers = (path: string): boolean => !usual.some((place) => isBelow(path, place));
