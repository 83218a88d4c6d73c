/** The version of the specification that a bundle complies with. */
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configSpecificationVersion';

export default {
  'is one of major version 1': {
    spec,
    must: 'Configurations of 1.0 are compatible with all runtimes of a later 1.x.',
    check: async (bench) => {
      for (const ociVersion of ['1.0.0', '1.0.2', '1.0.2-dev']) await bench.report({ config: { ociVersion } });
    },
  },
  'is required': {
    spec,
    must: 'ociVersion is required.',
    check: async (bench) => {
      await bench.refused({ config: { ociVersion: undefined } });
    },
  },
  'is a semantic version': {
    spec,
    must: 'ociVersion is in the format of SemVer 2.0.0.',
    check: async (bench) => {
      for (const ociVersion of ['latest', '', '1']) await bench.refused({ config: { ociVersion } });
    },
  },
} satisfies Property;
