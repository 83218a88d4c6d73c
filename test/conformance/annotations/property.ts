/** Annotations of a container. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configAnnotations';

export default {
  'are part of the state': {
    spec: 'runtime.md#runtimeState',
    must: 'The state has the annotations of config.json; values may be empty, and unknown keys are no error.',
    check: async (bench) => {
      const annotations = { 'com.example.gpu-cores': '2', empty: '', 'org.opencontainers.image.stopSignal': 'SIGUSR1', 箱: '舟' };
      const container = await bench.create({ config: { annotations } });
      assert.deepEqual((await container.state()).annotations, annotations);
    },
  },
  'may be absent': {
    spec: 'runtime.md#runtimeState',
    must: 'Without annotations the state has none, or an empty map.',
    check: async (bench) => {
      const container = await bench.create({});
      assert.deepEqual((await container.state()).annotations ?? {}, {});
    },
  },
  'are strings': {
    spec,
    must: 'Values are strings.',
    check: async (bench) => {
      await bench.refused({ config: { annotations: { number: 2 } } });
    },
  },
} satisfies Property;
