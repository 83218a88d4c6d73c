/**
 * What the suite is made of: a property is a folder with a `property.ts`, whose default export is a list of claims by name. A claim
 * cites a sentence of the OCI runtime specification and checks it on a container that the runtime makes.
 */
import type { Bench } from './bench.ts';

/** One sentence of the specification, and how it is checked. */
export interface Claim {
  /** Where the sentence stands: `config.md#configPOSIXUser`, or `runc(8)` for what callers expect and the specification leaves open. */
  readonly spec: string;
  /** The sentence, in words of our own. */
  readonly must: string;
  /** Why it cannot be checked on this machine; false when it can. */
  readonly needs?: () => string | false;
  /** Whether nothing else may run meanwhile, since it looks at something that the whole machine has once. */
  readonly alone?: boolean;
  /** Throws where the runtime does not do it. */
  readonly check: (bench: Bench) => Promise<void>;
}

/** Claims by name; the name completes "the runtime: …". */
export type Property = Readonly<Record<string, Claim>>;

/** What became of a claim. */
export interface ClaimResult {
  readonly name: string;
  readonly spec: string;
  readonly must: string;
  readonly result: 'passed' | 'failed' | 'not applicable';
  /** Why it failed, or why it does not apply. */
  readonly detail?: string;
}

/** What became of a property's claims. */
export interface PropertyResult {
  readonly name: string;
  readonly claims: readonly ClaimResult[];
}

/** What `--json` writes. */
export interface SuiteResult {
  /** The first line of `RUNTIME --version`. */
  readonly runtime: string;
  readonly properties: readonly PropertyResult[];
}
