import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyChanges } from './change.ts';
import type { ImageConfig } from './config.ts';

test('each instruction changes what it does in a Dockerfile', () => {
  const cases: [changes: string[], config: ImageConfig][] = [
    [['CMD ["a", "b c"]'], { Cmd: ['a', 'b c'] }],
    [['cmd echo "$HOME"'], { Cmd: ['/bin/sh', '-c', 'echo "$HOME"'] }],
    [['CMD x', 'ENTRYPOINT ["y"]'], { Entrypoint: ['y'] }],
    [['ENTRYPOINT []'], { Entrypoint: [] }],
    [['ENV A=1 B="two words" C=a\\ b', "ENV A='3'"], { Env: ['A=3', 'B=two words', 'C=a b'] }],
    [['ENV OLD style  value'], { Env: ['OLD=style  value'] }],
    [['EXPOSE 80 53/udp 8000-8001/TCP'], { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} } }],
    [['LABEL a=b "c d"="e f"'], { Labels: { a: 'b', 'c d': 'e f' } }],
    [['USER 1000:1000'], { User: '1000:1000' }],
    [['VOLUME ["/a", "/b"]', 'VOLUME /c /d'], { Volumes: { '/a': {}, '/b': {}, '/c': {}, '/d': {} } }],
    [['WORKDIR /srv', 'WORKDIR app/../web'], { WorkingDir: '/srv/web' }],
    [['STOPSIGNAL SIGQUIT'], { StopSignal: 'SIGQUIT' }],
    [['HEALTHCHECK NONE'], { Healthcheck: { Test: ['NONE'] } }],
    [
      ['HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl -f http://localhost'],
      { Healthcheck: { Test: ['CMD-SHELL', 'curl -f http://localhost'], Interval: 90e9, Timeout: 5e8, Retries: 3 } },
    ],
    [['HEALTHCHECK CMD ["/check"]'], { Healthcheck: { Test: ['CMD', '/check'] } }],
    [['ONBUILD RUN make'], { OnBuild: ['RUN make'] }],
  ];
  for (const [changes, config] of cases) assert.deepEqual(applyChanges({}, changes), config, changes.join('; '));
});

test('what is there stays, and is not changed in place', () => {
  const config: ImageConfig = { Env: ['PATH=/bin', 'A=1'], Labels: { a: 'b' } };
  assert.deepEqual(applyChanges(config, ['ENV A=2', 'LABEL c=d']), { Env: ['PATH=/bin', 'A=2'], Labels: { a: 'b', c: 'd' } });
  assert.deepEqual(config, { Env: ['PATH=/bin', 'A=1'], Labels: { a: 'b' } });
  assert.deepEqual(applyChanges({}, ['LABEL __proto__=x']).Labels, Object.fromEntries([['__proto__', 'x']]));
});

test('what is not understood is refused and named', () => {
  for (const change of [
    '',
    'FROM x',
    'constructor x',
    'ENV',
    'ENV A',
    'ENV ="x"',
    'EXPOSE 0',
    'EXPOSE 70000',
    'EXPOSE 80/icmp',
    'USER a b',
    'STOPSIGNAL SIGNOPE',
    'HEALTHCHECK',
    'HEALTHCHECK --x=1 CMD a',
    'HEALTHCHECK --interval=1d CMD a',
    'ONBUILD FROM x',
    'LABEL a="b',
  ]) {
    assert.throws(() => applyChanges({}, [change]), { kind: 'invalid', message: /^the change / }, change);
  }
});
