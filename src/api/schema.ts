/**
 * The shapes of the Docker Engine API 1.50, which are also the engine's own vocabulary. Types only: nothing here exists at run time.
 * Facts: https://docs.docker.com/reference/api/engine/version/v1.50/
 */
export type * from './schema/container-config.ts';
export type * from './schema/container.ts';
export type * from './schema/exec.ts';
export type * from './schema/explain-container.ts';
export type * from './schema/image.ts';
export type * from './schema/network.ts';
export type * from './schema/stats.ts';
export type * from './schema/steps.ts';
export type * from './schema/system.ts';
export type * from './schema/volume.ts';
export type * from './schema/why.ts';
