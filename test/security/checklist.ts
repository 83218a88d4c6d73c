/**
 * The checklist: properties that the engine and the OCI runtime must have, each with the failures of others that it comes from. For
 * each of the four ways in which a program comes into a container, a row has an attack (attacks/), or a test elsewhere, or a reason
 * why it cannot apply; checklist.test.ts holds that.
 */

/** Whose container, and how a program comes into it. */
export const targetNames = ['engine run', 'engine exec', 'oci run', 'oci exec'] as const;
export type TargetName = (typeof targetNames)[number];

/** A test that is not among the attacks: its file, and words of its title. */
export interface Elsewhere {
  readonly file: string;
  readonly title: string;
}

/** A property. */
export interface Row {
  readonly id: string;
  readonly property: string;
  /** Advisories, and words where there is none. */
  readonly failures: readonly string[];
  readonly elsewhere?: Partial<Readonly<Record<TargetName, Elsewhere>>>;
  /** Why it cannot apply. */
  readonly cannot?: Partial<Readonly<Record<TargetName, string>>>;
}

const noImages = 'hako-oci knows no images, layers, archives or builds: its caller makes the root';
const ofImages = { 'oci run': noImages, 'oci exec': noImages } as const;
const noNetwork = 'hako-oci makes no networks and publishes no ports: its caller does';
const ofNetworks = { 'engine exec': 'an exec is in the network that is there', 'oci run': noNetwork, 'oci exec': noNetwork } as const;
const noMounts = 'an exec makes no mounts';
const ofEngine = 'hako-oci has no process, socket or log of its own that stays';

export const checklist: readonly Row[] = [
  {
    id: 'own-executable',
    property: 'no program of ours can be reached and written to through /proc/PID/exe',
    failures: ['CVE-2019-5736'],
  },
  {
    id: 'descriptors',
    property: 'no descriptor of the host comes in, and the working directory and the program are inside the root',
    failures: ['CVE-2024-21626', 'CVE-2016-9962'],
  },
  {
    id: 'preserved-descriptors',
    property: 'of the descriptors of the caller those come in that were asked for, and no other',
    failures: ['CVE-2024-21626'],
    cannot: { 'engine run': 'the engine passes none on', 'engine exec': 'the engine passes none on' },
  },
  { id: 'null-device', property: 'what covers a masked file is the real null device', failures: ['CVE-2025-31133'] },
  { id: 'console', property: 'a terminal, and what is bound on /dev/console, is a real one of its own devpts', failures: ['CVE-2025-52565'] },
  {
    id: 'console-socket',
    property: 'what a console socket cannot be is refused, and what is sent over it is a terminal',
    failures: ['CVE-2025-52565'],
    cannot: { 'engine run': 'the engine keeps the terminal itself', 'engine exec': 'the engine keeps the terminal itself' },
  },
  {
    id: 'procfs',
    property: 'what is written to proc, sysctl and label files is written to the real procfs',
    failures: ['CVE-2025-52881', 'CVE-2019-19921', 'CVE-2019-16884', 'CVE-2023-27561', 'CVE-2023-28642'],
  },
  {
    id: 'masks',
    property: "the kernel's files are masked or read-only: core_pattern, sysrq-trigger, kcore, keys",
    failures: ['CVE-2025-31133', 'CVE-2023-28642'],
  },
  { id: 'dev-link', property: "a link in the place of the image's /dev is not followed out of the root", failures: ['CVE-2026-41579', 'CVE-2026-47766'] },
  {
    id: 'mount-race',
    property: 'places of mounts are found beneath the root, whoever swaps them meanwhile',
    failures: ['CVE-2021-30465', 'CVE-2024-45310'],
    cannot: { 'engine exec': noMounts, 'oci exec': noMounts },
  },
  {
    id: 'copies',
    property: "cp works beneath the container's root, and loads nothing of the image",
    failures: ['CVE-2018-15664', 'CVE-2019-14271', 'CVE-2026-42306'],
    elsewhere: {
      'engine run': { file: 'races.test.ts', title: 'cp copies neither out of the host nor into it' },
      'engine exec': { file: 'races.test.ts', title: 'links in an archive that is copied in lead nowhere' },
    },
    cannot: ofImages,
  },
  {
    id: 'extraction',
    property: 'what a layer holds is extracted inside its directory',
    failures: ['of umoci, containerd and tar'],
    elsewhere: { 'engine run': { file: '../../src/storage/layer-extract-hostile.test.ts', title: 'that leads out is refused' } },
    cannot: { ...ofImages, 'engine exec': 'an exec extracts nothing' },
  },
  {
    id: 'copy-up',
    property: 'what a volume or a tmpfs is filled with is of the image, not of the host',
    failures: ['CVE-2022-23648'],
    cannot: { 'engine exec': noMounts, 'oci exec': noMounts },
  },
  {
    id: 'cgroup-files',
    property: 'no control file can be written, and no release_agent is there',
    failures: ['CVE-2022-0492', 'CVE-2023-25809'],
  },
  { id: 'devices', property: 'no device of the host can be opened, by whatever node', failures: ['mknod of a disk of the host'] },
  {
    id: 'inheritable',
    property: 'no capability is inheritable or ambient',
    failures: ['CVE-2022-24769', 'CVE-2022-29162', 'CVE-2022-27650', 'CVE-2022-27649'],
  },
  { id: 'groups', property: 'the supplementary groups are those that were asked for', failures: ['CVE-2022-36109', 'CVE-2022-2989'] },
  { id: 'users', property: 'users that are no numbers of 32 bits are refused', failures: ['CVE-2026-30892', 'CVE-2024-40635', 'CVE-2016-3697'] },
  {
    id: 'sysctls',
    property: "sysctls are an allow list of the namespaces' own",
    failures: ['CVE-2022-0811'],
    cannot: { 'engine exec': 'an exec sets no sysctl', 'oci exec': 'an exec sets no sysctl' },
  },
  { id: 'sockets', property: 'no socket of ours is an abstract one', failures: ['CVE-2020-15257'] },
  { id: 'state', property: 'what is kept of a container is closed to others', failures: ['CVE-2021-41091'] },
  {
    id: 'state-of-others',
    property: 'a state that another user could have made or changed is not used',
    failures: ['a root directory in /tmp'],
    cannot: {
      'engine run': 'the directories of the engine are not named by who calls it',
      'engine exec': 'the directories of the engine are not named by who calls it',
    },
  },
  { id: 'environment', property: "nothing of the caller's, or of another container's, environment comes in", failures: ['CVE-2020-14370'] },
  {
    id: 'configuration',
    property: 'configurations are bounded, read once, and kept: what becomes of the file later changes nothing',
    failures: ['CVE-2021-43784', 'CVE-2022-1708'],
    elsewhere: {
      'engine run': { file: 'exhaustion.test.ts', title: 'refuses a request that is too big' },
      'engine exec': { file: 'exhaustion.test.ts', title: 'refuses JSON that is nested without end' },
    },
  },
  {
    id: 'builds',
    property: 'contexts, caches and mounts of a build stay inside',
    failures: ['CVE-2024-23651', 'CVE-2024-23652', 'CVE-2024-23653', 'CVE-2024-9675', 'CVE-2024-9407'],
    cannot: { ...ofImages, 'engine run': 'the engine builds nothing: commit alone makes images', 'engine exec': 'an exec builds nothing' },
  },
  { id: 'passwd', property: "the image's passwd and group are read beneath the root, and not without end", failures: ['CVE-2024-9676'] },
  { id: 'no-code', property: 'commands that look at a container run and load nothing of its image', failures: ['CVE-2022-1227', 'CVE-2019-14271'] },
  {
    id: 'localhost',
    property: "publishing on localhost does not open the host's 127.0.0.1",
    failures: ['CVE-2020-8558'],
    elsewhere: { 'engine run': { file: 'network.test.ts', title: 'does not open the host’s own 127.0.0.1' } },
    cannot: ofNetworks,
  },
  {
    id: 'firewall',
    property: "a rule of the administrator's at the documented place holds for published ports",
    failures: ['moby 22054', 'moby 4737'],
    elsewhere: { 'engine run': { file: 'network.test.ts', title: 'a drop rule of the administrator’s' } },
    cannot: ofNetworks,
  },
  {
    id: 'birth',
    property: 'between its birth and its program nobody traces or looks into a process, also in a PID namespace that is shared',
    failures: ['CVE-2016-9962', 'CVE-2024-21626', 'CVE-2025-52881'],
  },
  {
    id: 'exhaustion',
    property: 'a container at its limits is no reason for us to die, or to wait for ever',
    failures: ['CVE-2022-1708', 'CVE-2022-31030'],
    elsewhere: {
      'engine run': { file: 'exhaustion.test.ts', title: 'outlives a container that runs out of memory' },
      'engine exec': { file: 'exhaustion.test.ts', title: 'forgets execs: thousands of them' },
    },
  },
  {
    id: 'stdio',
    property: 'the owner and mode of a file of the host that is a standard stream stay as they are',
    failures: ['crun exec --user and /dev/null'],
  },
  {
    id: 'process-ids',
    property: 'no process is signalled, or entered, that has the id of one that ended',
    failures: ['reuse of process ids'],
    elsewhere: {
      'engine run': { file: 'host.test.ts', title: 'never signals a process that has got the pid' },
      'engine exec': { file: 'host.test.ts', title: 'never signals a process that has got the pid' },
      'oci run': { file: '../oci/commands.test.ts', title: 'a state that names a process of somebody else’s' },
    },
  },
  {
    id: 'keyring',
    property: 'a session keyring is of nobody else: not of the caller, nor of who made one of its name',
    failures: ['keyrings that are joined by a name'],
  },
  {
    id: 'hooks',
    property: "a hook of the image's own program has no more power than the container's program, and no descriptor",
    failures: ['CVE-2025-23266', 'CVE-2024-0132'],
    cannot: {
      'engine run': 'the engine has no hooks',
      'engine exec': 'the engine has no hooks',
      'oci exec': 'an exec runs no hooks',
    },
  },
  {
    id: 'rootless',
    property: 'what an ordinary user creates is held as well, against neighbours in the same user namespace too',
    failures: ['CVE-2023-25809', 'CVE-2016-9962', 'CVE-2014-8989'],
    elsewhere: {
      'oci run': { file: 'rootless.test.ts', title: 'a container that joins another’s namespaces is not seen into' },
      'oci exec': { file: 'rootless.test.ts', title: 'further programs are not seen into' },
    },
    cannot: { 'engine run': 'the engine is of root alone', 'engine exec': 'the engine is of root alone' },
  },
  {
    id: 'engine-sockets',
    property: 'the API is a file with a mode, and what it is sent is bounded',
    failures: ['CVE-2020-15257'],
    elsewhere: {
      'engine run': { file: 'host.test.ts', title: 'has no socket that is not a file with a mode' },
      'engine exec': { file: 'exhaustion.test.ts', title: 'answers while a client holds a thousand connections open' },
    },
    cannot: { 'oci run': ofEngine, 'oci exec': ofEngine },
  },
];
