/** Images in the Docker Engine API 1.50 (types only). */
import type { HealthConfig } from './container-config.ts';

/** The part of an image's configuration that containers inherit. */
export interface ImageConfig {
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Healthcheck?: HealthConfig;
  ArgsEscaped?: boolean;
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  OnBuild?: string[];
  Labels?: Record<string, string>;
  StopSignal?: string;
  Shell?: string[];
}

export interface ImageInspect {
  /** Digest of the configuration, `sha256:…`. */
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  /** RFC 3339 with nanoseconds; absent when the image does not say. */
  Created?: string;
  DockerVersion: string;
  Author: string;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Config: ImageConfig;
  /** Bytes, all layers unpacked. */
  Size: number;
  GraphDriver: { Name: string; Data: Record<string, string> | null };
  RootFS: { Type: 'layers'; Layers: string[] };
  Metadata: { LastTagTime?: string };
}

/** A line of `docker images`. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Seconds since the epoch. */
  Created: number;
  /** Bytes. */
  Size: number;
  /** Bytes; -1 when not computed. */
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** -1 when not computed. */
  Containers: number;
}

export interface HistoryItem {
  /** `<missing>` for steps whose image is not here. */
  Id: string;
  /** Seconds since the epoch. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  /** Bytes. */
  Size: number;
  Comment: string;
  /** The diff id of the layer that the step made; absent where it made none. Docker does not tell. */
  Layer?: string;
}
