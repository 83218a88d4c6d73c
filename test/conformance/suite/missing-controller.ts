/** A claim about a limit for which the machine has no cgroup controller. */
import { needsController } from '../../support/needs.ts';
import type { Fields } from './config.ts';
import type { Claim } from './property.ts';

/** That the limit is an error, where there is none of the controllers. */
export function isErrorWithout(controllers: readonly string[], resources: Fields): Claim {
  return {
    spec: 'runtime.md#runtimeCreate',
    must: 'If the runtime cannot apply a property there is an error, and no container.',
    needs: () => (controllers.some((controller) => needsController(controller) === false) ? `the machine has the controller ${controllers.join(', ')}` : false),
    check: async (bench) => {
      await bench.refused({ linux: { resources } });
    },
  };
}
