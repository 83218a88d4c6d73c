/**
 * A container explained: what the kernel says of it, and where that differs from what the engine wrote down. Not Docker's:
 * `GET /containers/ID/explain` (types only).
 */

export interface ContainerExplanation {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly status: string;
  /** Sentences: what state it is in, and what a person can do next. */
  readonly state: readonly string[];
  /** Absent unless it runs. */
  readonly live?: LiveExplanation;
  /** Where the kernel and the record differ, one sentence each. */
  readonly differences: readonly string[];
}

/** What the kernel says of a container that runs. */
export interface LiveExplanation {
  readonly pid: number;
  readonly namespaces: readonly NamespaceView[];
  readonly cgroup: CgroupView;
  readonly capabilities: CapabilitiesView;
  readonly seccomp: SeccompView;
  readonly mounts: readonly MountView[];
  readonly files: readonly FileOrigin[];
  /** How many more were asked for, or are mapped, and were not looked up; at least, since only a part of what is mapped is read. */
  readonly moreFiles: number;
  readonly network: NetworkView;
  readonly user: UserView;
  readonly limits: readonly LimitView[];
}

export interface NamespaceView {
  readonly type: string;
  /** As /proc/PID/ns shows it: `net:[4026532345]`. */
  readonly id: string;
  /** It is the engine's own, which is the host's. */
  readonly host: boolean;
  /** Names of other containers that are in it. */
  readonly containers: readonly string[];
  /** Processes in it that belong to no container; left out where it is the host's. */
  readonly processes: readonly { readonly pid: number; readonly name: string }[];
  /** What being in it means. */
  readonly meaning: string;
}

export interface CgroupView {
  readonly path: string;
  readonly directories: readonly { readonly hierarchy: string; readonly version: number; readonly directory: string; readonly member: boolean }[];
  readonly figures: readonly CgroupFigure[];
}

/** A limit with its use, or a use without a limit. */
export interface CgroupFigure {
  readonly name: string;
  /** Readable, with its unit. */
  readonly limit: string;
  readonly use: string;
  /** The file that the limit was read from. */
  readonly file: string;
}

export interface CapabilitiesView {
  /** Hexadecimal masks, by the names of /proc/PID/status. */
  readonly sets: Readonly<Record<'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd' | 'CapAmb', string>>;
  readonly noNewPrivileges: boolean;
  readonly held: readonly { readonly name: string; readonly allows: string }[];
  /** In the bounding set but not held: a set-user-ID program can get them. */
  readonly obtainable: readonly string[];
  readonly lacking: readonly { readonly name: string; readonly forbids: string }[];
}

export interface SeccompView {
  /** `disabled`, `strict`, `filter`. */
  readonly mode: string;
  readonly filters: number;
  readonly instructions: number;
  /** Where the answers below come from: the program that the kernel has, or, where it cannot be read, the engine's record. */
  readonly source: 'kernel' | 'record' | 'none';
  /** Why the kernel's could not be read. */
  readonly refused?: string;
  readonly defaultAction: string;
  readonly counts: { readonly allowed: number; readonly refused: number; readonly conditional: number };
  readonly refusedCalls: readonly { readonly name: string; readonly action: string; readonly forbids?: string }[];
  readonly conditionalCalls: readonly { readonly name: string; readonly words: readonly string[] }[];
  /** Of other machines' calls: `i386: 17 allowed …`. */
  readonly otherArchitectures: readonly string[];
}

export interface MountView {
  readonly path: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
  /** `layers`, `volume NAME`, `bind`, `engine`, `kernel`, `tmpfs`, `device`, `mask`. */
  readonly origin: string;
  readonly meaning: string;
}

export interface FileOrigin {
  /** As it was asked for. */
  readonly path: string;
  /** Where links lead. */
  readonly real: string;
  readonly origin: string;
  /** Why it is listed: `program`, `library`, `asked`. */
  readonly role: string;
  /** The directory or source on the host that holds it. */
  readonly place: string;
}

export interface NetworkView {
  /** `bridge`, `host`, `none`, `container:NAME`. */
  readonly mode: string;
  readonly address?: string;
  readonly gateway?: string;
  readonly interfaces: readonly {
    readonly name: string;
    readonly kind: string;
    readonly up: boolean;
    readonly addresses: readonly string[];
    readonly peer?: string;
  }[];
  readonly paths: readonly PortPath[];
  readonly listening: readonly Listener[];
}

/** The way of a packet from a port of the host to a process. */
export interface PortPath {
  readonly port: string;
  readonly hops: readonly { readonly what: string; readonly where: string; readonly ok: boolean }[];
}

export interface Listener {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
  readonly processes: readonly { readonly pid: number; readonly name: string }[];
}

export interface UserView {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** In the host's ids, where a user namespace translates. */
  readonly onHost: { readonly uid: number; readonly gid: number };
  readonly uidMap: readonly string[];
  readonly gidMap: readonly string[];
  /** The label of a security module, where one gives it. */
  readonly label?: string;
}

export interface LimitView {
  readonly name: string;
  readonly soft: string;
  readonly hard: string;
  readonly unit: string;
  /** Set by the container's options, not inherited. */
  readonly asked: boolean;
}
