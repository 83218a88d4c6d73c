/** The first processes of the running containers, by which the kernel's objects of a container are known to be its. */
import type { ContainerInspect } from '../api/schema.ts';
import { get, segment } from './client.ts';
import { containerNames } from './containers-known.ts';

/** A running container. */
export interface ContainerProcess {
  readonly name: string;
  readonly id: string;
  /** Of its first process, as this process counts. */
  readonly pid: number;
}

/** All of them; empty where no engine answers. */
export async function containerProcesses(): Promise<ContainerProcess[]> {
  const names = [...(await containerNames())];
  const asked = names.map(async ([id, name]): Promise<ContainerProcess[]> => {
    try {
      const { State } = await get<ContainerInspect>(`/containers/${segment(id)}/json`);
      return State.Pid ? [{ name, id, pid: State.Pid }] : [];
    } catch {
      return []; // removed between two questions
    }
  });
  return (await Promise.all(asked)).flat();
}
