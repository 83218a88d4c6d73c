import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container } from './container.ts';
import { ContainerIndex } from './container-index.ts';
import { EngineError } from './engine.ts';
import { recordWith } from './record-fixture.ts';

const idOf = (beginning: string): string => beginning.padEnd(64, '0');

const container = (id: string, name: string): Container => new Container(recordWith({ id: idOf(id), name }));

const fails = (status: number, message: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof EngineError);
  assert.equal(error.status, status);
  if (typeof message === 'string') assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

test('a container is found by id, name and a prefix that only it has', () => {
  const index = new ContainerIndex();
  const [web, db] = [container('abc1', 'web'), container('abd2', 'db')];
  index.add(web);
  index.add(db);
  assert.equal(index.find(idOf('abc1')), web);
  assert.equal(index.find('web'), web);
  assert.equal(index.find('/db'), db);
  assert.equal(index.find('abc'), web);
  assert.deepEqual(index.all(), [web, db]);
  assert.throws(() => index.find('ab'), fails(400, 'multiple IDs found with provided prefix: ab'));
  assert.throws(() => index.find('ff'), fails(404, 'No such container: ff'));
  assert.throws(() => index.find(''), fails(404, 'No such container: '));
  assert.throws(() => index.find('we'), fails(404, 'No such container: we'));
});

test('a name counts before the beginning of an id', () => {
  const index = new ContainerIndex();
  const [one, other] = [container('beef', 'one'), container('cafe', 'beef')];
  index.add(one);
  index.add(other);
  assert.equal(index.find('beef'), other);
  assert.equal(index.find('bee'), one);
});

test('a name is taken until its container is renamed or removed', () => {
  const index = new ContainerIndex();
  const web = container('aa', '/web');
  index.add(web);
  assert.equal(web.record.name, 'web');
  const conflict = fails(
    409,
    `Conflict. The container name "/web" is already in use by container "${idOf('aa')}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
  const second = container('bb', 'web');
  assert.throws(() => index.add(second), conflict);
  assert.throws(() => index.find('bb'), fails(404, /No such container/));
  assert.throws(() => index.rename(web, 'web'), fails(400, /same name/));
  index.rename(web, '/site');
  assert.equal(index.find('site'), web);
  index.add(second);
  assert.throws(() => index.rename(web, 'web'), fails(409, /already in use/));
  index.remove(second);
  index.remove(second);
  index.rename(web, 'web');
  assert.equal(index.size, 1);
});

test('removing a container that was refused does not free the name it wanted', () => {
  const index = new ContainerIndex();
  const web = container('aa', 'web');
  index.add(web);
  index.remove(container('bb', 'web'));
  assert.equal(index.find('web'), web);
});

test('new ids and names are well formed and free', () => {
  const index = new ContainerIndex();
  const names = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const added = new Container(recordWith({ id: index.newId(), name: index.randomName() }));
    assert.match(added.id, /^[0-9a-f]{64}$/);
    assert.doesNotMatch(added.id, /^\d{12}/);
    assert.match(added.record.name, /^[a-z]+_[a-z]+\d*$/);
    index.add(added);
    names.add(added.record.name);
  }
  assert.equal(names.size, 500);
});
