/** The configuration that a commit's body may override, as the Dockerfile instructions that say the same. */
import type { ContainerConfig } from '../schema.ts';

/** One instruction for each property that an image keeps; what an image does not keep is left out. */
export function instructionsOf(config: ContainerConfig): string[] {
  const { Env = [], Labels = {}, ExposedPorts = {}, Volumes = {}, User, WorkingDir, StopSignal, Entrypoint, Cmd } = config;
  return [
    ...Env.map((variable) => {
      const equals = variable.indexOf('=');
      return equals < 0 ? `ENV ${variable}=` : `ENV ${variable.slice(0, equals)}=${quoted(variable.slice(equals + 1))}`;
    }),
    ...Object.entries(Labels).map(([key, value]) => `LABEL ${quoted(key)}=${quoted(value)}`),
    ...Object.keys(ExposedPorts).map((port) => `EXPOSE ${port}`),
    ...(Object.keys(Volumes).length > 0 ? [`VOLUME ${JSON.stringify(Object.keys(Volumes))}`] : []),
    ...(User ? [`USER ${User}`] : []),
    ...(WorkingDir ? [`WORKDIR ${WorkingDir}`] : []),
    ...(StopSignal ? [`STOPSIGNAL ${StopSignal}`] : []),
    ...(Entrypoint ? [`ENTRYPOINT ${JSON.stringify(Entrypoint)}`] : []),
    ...(Cmd ? [`CMD ${JSON.stringify(Cmd)}`] : []),
  ];
}

function quoted(value: string): string {
  return `"${value.replace(/["\\$]/g, (character) => `\\${character}`)}"`;
}
