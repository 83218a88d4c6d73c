/** Exec instances in the Docker Engine API 1.50 (types only). */

/** `POST /containers/ID/exec`. */
export interface ExecCreateBody {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  /** Rows and columns. */
  ConsoleSize?: [height: number, width: number];
  /** Keys that detach, such as `ctrl-p,ctrl-q`. */
  DetachKeys?: string;
  Tty?: boolean;
  Env?: string[];
  Cmd?: string[];
  Privileged?: boolean;
  User?: string;
  WorkingDir?: string;
}

export interface ExecInspect {
  CanRemove: boolean;
  ContainerID: string;
  DetachKeys: string;
  /** `null` until it ended. */
  ExitCode: number | null;
  ID: string;
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  Running: boolean;
  Pid: number;
  ProcessConfig: { tty: boolean; entrypoint: string; arguments: string[]; privileged: boolean; user?: string };
}
