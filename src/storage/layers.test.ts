import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { spawnSync } from 'node:child_process';
import { chainId, chainIds, digestOf } from './digest.ts';
import { LayerPool } from './layer-pool.ts';
import { Layers } from './layers.ts';
import { Snapshots } from './snapshots.ts';

async function open(t: TestContext): Promise<{ directory: string; root: string; pool: LayerPool; layers: Layers }> {
  const directory = mkdtempSync(join(tmpdir(), 'hako-layers-'));
  const pool = new LayerPool(1);
  t.after(async () => {
    await pool.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const root = join(directory, 'layers');
  return { directory, root, pool, layers: await Layers.open(root, pool) };
}

const [a, b, c] = ['a', 'b', 'c'].map((s) => digestOf(s)) as [string, string, string];
const [first, second, third] = chainIds([a, b, c]) as [string, string, string];

const fill =
  (name: string, size = 1) =>
  async (directory: string): Promise<number> => {
    writeFileSync(join(directory, name), 'x');
    return size;
  };

test('chain ids are as the image specification computes them', () => {
  assert.equal(chainId(undefined, a), a);
  assert.equal(second, digestOf(`${a} ${b}`));
  assert.equal(third, digestOf(`${second} ${c}`));
});

test('layers stack, last over restarts, and have short names', async (t) => {
  const { layers, root, pool } = await open(t);
  await layers.make({ chainId: first, diffId: a }, undefined, fill('one', 10));
  await layers.make({ chainId: second, diffId: b, parent: first }, undefined, fill('two', 20));
  assert.deepEqual(layers.lowerDirs(second), [`${root}/2/diff`, `${root}/1/diff`]);
  const again = await Layers.open(root, pool);
  assert.deepEqual(again.list(), layers.list());
  assert.equal(again.get(second)?.size, 20);
  assert.throws(() => again.lowerDirs(third), { kind: 'not-found' });
  assert.equal(statSync(root).mode & 0o7777, 0o700, 'set-user-id programs in layers are out of other users’ reach');
  await again.make({ chainId: third, diffId: c, parent: second }, undefined, fill('three'));
  assert.equal(again.lowerDirs(third)[0], `${root}/3/diff`);
});

test('who asks for a layer that is being made waits for it, and makes it when that fails', async (t) => {
  const { layers, root } = await open(t);
  const order: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const plan = { chainId: first, diffId: a };
  const failing = layers.make(plan, undefined, async (directory) => {
    order.push('first');
    writeFileSync(join(directory, 'half'), '');
    await promise;
    return (resolve(), 0);
  });
  const waiting = [
    layers.make(plan, undefined, async (d) => (order.push('second'), fill('whole')(d))),
    layers.make(plan, undefined, async () => (order.push('third'), 0)),
  ];
  reject(new Error('bad archive'));
  await assert.rejects(failing, /bad archive/);
  const [one, two] = await Promise.all(waiting);
  assert.equal(one, two);
  assert.deepEqual(order, ['first', 'second']);
  assert.deepEqual(readdirSync(one!.diff), ['whole']);
  assert.equal(readdirSync(root).length, 1, 'nothing is left of the failure');
});

test('layers of a stack are filled at the same time, and finished from below', async (t) => {
  const { layers, root } = await open(t);
  const gate = Promise.withResolvers<void>();
  const below = layers.make({ chainId: first, diffId: a }, undefined, async (d) => (await gate.promise, fill('one')(d)));
  const filled = Promise.withResolvers<void>();
  const above = layers.make({ chainId: second, diffId: b, parent: first }, below, async (d) => (filled.resolve(), fill('two')(d)));
  await filled.promise; // though the one below is not
  assert.equal(layers.get(second), undefined);
  gate.resolve();
  assert.equal((await above).parent, (await below).chainId);

  const broken = layers.make({ chainId: digestOf('x'), diffId: a, parent: second }, Promise.reject(new Error('below failed')), fill('three'));
  await assert.rejects(broken, /below failed/);
  assert.deepEqual(readdirSync(root).sort(), ['1', '2']);
});

test('a layer that says nothing about its root looks as the one below', async (t) => {
  const { layers } = await open(t);
  const bottom = await layers.make({ chainId: first, diffId: a }, undefined, async (directory) => {
    chmodSync(directory, 0o2751);
    return 0;
  });
  chownSync(bottom.diff, 12, 0);
  chmodSync(bottom.diff, 0o2751);
  const top = await layers.make({ chainId: second, diffId: b, parent: first }, undefined, fill('x'));
  assert.deepEqual([statSync(top.diff).mode & 0o7777, statSync(top.diff).uid], [0o2751, 12]);
  const alone = await layers.make({ chainId: c, diffId: c }, undefined, fill('x'));
  assert.equal(statSync(alone.diff).mode & 0o7777, 0o755);
});

test('only what nobody needs is swept, and the layers below what is needed stay', async (t) => {
  const { layers, root } = await open(t);
  await layers.make({ chainId: first, diffId: a }, undefined, fill('1', 1));
  await layers.make({ chainId: second, diffId: b, parent: first }, undefined, fill('2', 2));
  await layers.make({ chainId: third, diffId: c, parent: second }, undefined, fill('3', 4));
  await layers.make({ chainId: c, diffId: c }, undefined, fill('4', 8));
  const lease = layers.leases.begin();
  lease.hold(c);
  assert.deepEqual(await layers.sweep([second]), { removed: [third], freed: 4 });
  assert.deepEqual(readdirSync(root).sort(), ['1', '2', '4']);
  lease.release();
  assert.deepEqual(await layers.sweep([]), { removed: [c, second, first], freed: 11 });
  assert.deepEqual(readdirSync(root), []);
});

test('what a crash left is removed when the store opens', async (t) => {
  const { layers, root, pool } = await open(t);
  await layers.make({ chainId: first, diffId: a }, undefined, fill('1'));
  mkdirSync(join(root, '7.tmp/diff/deep'), { recursive: true });
  mkdirSync(join(root, '8/diff'), { recursive: true });
  writeFileSync(join(root, '8/layer.json'), '{"chainId":');
  writeFileSync(join(root, 'stray'), '');
  const again = await Layers.open(root, pool);
  assert.deepEqual(readdirSync(root), ['1']);
  assert.equal(again.list().length, 1);
});

test('a container’s writable layer can be mounted by the kernel, and is gone when removed', async (t) => {
  const { layers, directory, pool } = await open(t);
  await layers.make({ chainId: first, diffId: a }, undefined, fill('from-image'));
  chmodSync(layers.get(first)!.diff, 0o1711);
  const snapshots = await Snapshots.open(join(directory, 'snapshots'), pool);
  const { lower, upper, work, target } = snapshots.create('c1', layers.lowerDirs(first));
  assert.throws(() => snapshots.create('c1', lower), { kind: 'conflict' });
  const script = `mount -t overlay overlay -o lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work} ${target}
    test "$(stat -c %a ${target})" = 1711; rm ${target}/from-image; printf 12345 > ${target}/written; ln ${target}/written ${target}/again`;
  const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.ok(statSync(join(upper, 'from-image')).isCharacterDevice());
  assert.equal(await snapshots.size('c1'), 5, 'a file with two names counts once');
  assert.deepEqual(snapshots.list(), ['c1']);
  await snapshots.remove('c1');
  assert.ok(!existsSync(join(upper, '..')));
  await snapshots.remove('c1');
  assert.throws(() => snapshots.create('../x', []), { kind: 'invalid' });
});

test('a writable layer that is still mounted is not touched', async (t) => {
  const { directory, pool } = await open(t);
  const snapshots = await Snapshots.open(join(directory, 'snapshots'), pool);
  const { upper, target } = snapshots.create('c1', []);
  writeFileSync(join(upper, 'file'), '');
  const script = join(directory, 'remove.ts');
  writeFileSync(
    script,
    `import { Snapshots } from '${import.meta.dirname}/snapshots.ts';
    import { LayerPool } from '${import.meta.dirname}/layer-pool.ts';
    const snapshots = await Snapshots.open('${directory}/snapshots', new LayerPool(1));
    console.log(await snapshots.remove('c1').then(() => 'removed', (error) => error.kind + ': ' + error.message));`,
  );
  const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', `mount -t tmpfs tmpfs ${target}; exec ${process.execPath} ${script}`], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^conflict: .*still mounted: unmount/, stderr);
  assert.ok(existsSync(join(upper, 'file')));
  await snapshots.remove('c1');
  assert.deepEqual(snapshots.list(), []);
});
