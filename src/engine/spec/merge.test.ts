import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineError } from '../engine.ts';
import { environmentOf } from './environment.ts';
import { mergeImageConfig } from './merge.ts';

const image = {
  Entrypoint: ['/entry'],
  Cmd: ['image-command'],
  Env: ['PATH=/image', 'A=image'],
  Labels: { a: 'image', b: 'image' },
  User: 'web',
  WorkingDir: '/srv',
  StopSignal: 'SIGQUIT',
};

test('the entry point of the client makes the command of the image meaningless, and an empty one clears it', () => {
  const commandOf = (asked: object): unknown => {
    const { Entrypoint, Cmd } = mergeImageConfig(asked, image);
    return [Entrypoint, Cmd];
  };
  assert.deepEqual(commandOf({}), [['/entry'], ['image-command']]);
  assert.deepEqual(commandOf({ Cmd: ['mine'] }), [['/entry'], ['mine']]);
  assert.deepEqual(commandOf({ Entrypoint: ['/own'] }), [['/own'], []]);
  assert.deepEqual(commandOf({ Entrypoint: [''], Cmd: ['mine'] }), [[], ['mine']]);
  assert.throws(
    () => mergeImageConfig({ Entrypoint: [''] }, image),
    (error: EngineError) => error.status === 400 && error.message.startsWith('no command specified'),
  );
});

test('what the client says nothing of is as the image has it; maps are merged by key', () => {
  const merged = mergeImageConfig(
    { Env: ['A=mine', 'B=mine'], Labels: { b: 'mine' }, User: '', ExposedPorts: { '80/tcp': {} } },
    { ...image, ExposedPorts: { '443/tcp': {} } },
  );
  assert.deepEqual(merged.Env, ['A=mine', 'B=mine', 'PATH=/image']);
  assert.deepEqual(merged.Labels, { a: 'image', b: 'mine' });
  assert.deepEqual(Object.keys(merged.ExposedPorts ?? {}).sort(), ['443/tcp', '80/tcp']);
  assert.deepEqual([merged.User, merged.WorkingDir, merged.StopSignal], ['web', '/srv', 'SIGQUIT']);
  assert.equal('HostConfig' in mergeImageConfig({ HostConfig: {} }, image), false);
});

test('a health check of the client takes what it leaves out from the image', () => {
  const health = { Test: ['CMD', 'image'], Interval: 5e9, Retries: 3 };
  assert.deepEqual(mergeImageConfig({}, { ...image, Healthcheck: health }).Healthcheck, health);
  const merged = mergeImageConfig({ Healthcheck: { Test: [], Interval: 1e9, Retries: 0 } }, { ...image, Healthcheck: health }).Healthcheck;
  assert.deepEqual(merged, { Test: ['CMD', 'image'], Interval: 1e9, Retries: 3 });
});

test('a variable is in the environment once, with its last value; a bare name takes it away, even a default', () => {
  assert.deepEqual(environmentOf({}, 'name', '/home/web'), [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOSTNAME=name',
    'HOME=/home/web',
  ]);
  assert.deepEqual(environmentOf({ Env: ['A=1', 'PATH=/p', 'A=2=3', 'HOSTNAME', 'HOME=/h'], Tty: true }, 'name', '/'), [
    'PATH=/p',
    'TERM=xterm',
    'A=2=3',
    'HOME=/h',
  ]);
  assert.equal(environmentOf({ Env: ['HOME='] }, 'name', '/root').at(-1), 'HOME=/root');
});
