/** A directory tree with one of everything that an archive can hold, and the description of a tree, to compare two. For tests. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
  ftruncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { closeFd, openAt, toBytes, tryMakeNodeAt } from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { getXattr, listXattrs, trySetXattr } from '../../kernel/xattr.ts';

/** A directory of its own for a test; goes when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-tar-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Sets an extended attribute. */
export function setXattr(path: string, name: string, value: string | Buffer): void {
  const fd = openSync(path, 'r');
  if (trySetXattr(fd, name, Buffer.from(value as string)) < 0) throw new Error(`cannot set ${name} of ${path}`);
  closeSync(fd);
}

/** Makes a device node or FIFO. @param mode with its type */
export function makeNode(path: string, mode: number, major: number, minor: number): void {
  if (tryMakeNodeAt(-100, toBytes(path), mode, major, minor) < 0) throw new Error(`cannot make the node ${path}`);
}

/** cap_net_raw=ep, as the kernel stores it (vfs_cap_data, revision 2). */
const netRawCapability = Buffer.from('0100000200200000000000000000000000000000', 'hex');

const sh = (directory: string, script: string): void => void execFileSync('sh', ['-ec', script], { cwd: directory });

/** Fills an empty directory. `simple`: only what every tar format can hold. */
export function makeTree(directory: string, simple = false): void {
  const path = (name: string): string => join(directory, name);
  mkdirSync(path('etc'));
  writeFileSync(path('etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  writeFileSync(path('etc/empty'), '');
  writeFileSync(path('etc/block'), Buffer.alloc(1024, 'b')); // whole blocks: no padding
  writeFileSync(path('big'), Buffer.alloc(3_000_001, 'hakobune'));
  sh(
    directory,
    'ln etc/passwd etc/passwd-; ln -s passwd etc/link; ln -s /nowhere dangling; mkdir -p tmp home/user; chown -h 1000:1001 etc/link; chown 1000:1001 home/user',
  );
  sh(directory, 'cp big setuid; chown 12:34 setuid; chmod 6755 setuid; chmod 1777 tmp; chmod 2750 home; chmod 0400 etc/block');
  if (!simple) makeExtras(directory, path);
  // Directories last, as what is made in them sets their times
  sh(directory, 'find . -mindepth 1 -exec touch -h -d "2001-02-03 04:05:06" {} +');
  if (!simple)
    sh(
      directory,
      'touch -h -d "2001-02-03 04:05:06.123456789" etc etc/passwd etc/link; touch -d "1969-12-31 23:59:58.25 UTC" big; touch -d "2001-02-03 04:05:06.5" .',
    );
}

function makeExtras(directory: string, path: (name: string) => string): void {
  sh(directory, `mkfifo -m 640 fifo; mknod -m 660 null c 1 3; mknod loop b 7 300; mkdir -p "$(printf 'd%.0s' $(seq 99))/$(printf 'e%.0s' $(seq 99))"`);
  writeFileSync(path(`long-${'n'.repeat(200)}`), 'long');
  writeFileSync(path('ümlaut 箱舟\n'), 'utf8');
  writeFileSync(Buffer.concat([Buffer.from(path('raw')), Buffer.from([0xff, 0xfe])]), 'not utf8');
  sh(directory, `ln -s "$(printf 't%.0s' $(seq 150))" long-link; chown 3000000:3000001 etc/empty`);
  setXattr(path('etc/passwd'), 'user.note', 'a=b\nc\0d');
  setXattr(path('etc'), 'user.dir', '');
  setXattr(path('setuid'), 'security.capability', netRawCapability);
  const fd = openSync(path('sparse'), 'w');
  for (let i = 0; i < 40; i++) writeSync(fd, Buffer.alloc(4096, 's'), 0, 4096, i * 65536 + 8192);
  ftruncateSync(fd, 40 * 65536);
  closeSync(fd);
}

/** Every file of a tree as a line: path, type and mode, owner, time, size, content, link, device, attributes, and the first of its names. */
export function describeTree(directory: string, options: { readonly xattrs?: boolean; readonly nanoseconds?: boolean } = {}): string[] {
  const { xattrs = true, nanoseconds = true } = options;
  const lines: string[] = [];
  const first = new Map<bigint, string>();
  const visit = (parent: Buffer, name: Buffer, shown: string): void => {
    const path = name.length ? Buffer.concat([parent, Buffer.from('/'), name]) : parent;
    const s = lstatSync(path, { bigint: true });
    const mtime = nanoseconds ? s.mtimeNs : s.mtimeNs / 1_000_000_000n;
    const parts = [shown, s.mode.toString(8), `${s.uid}:${s.gid}`, `mtime=${mtime}`];
    if (s.isFile()) parts.push(`size=${s.size}`, createHash('md5').update(readFileSync(path)).digest('hex'));
    if (s.isSymbolicLink()) parts.push(`-> ${readlinkSync(path)}`);
    if (s.isCharacterDevice() || s.isBlockDevice()) parts.push(`device=${s.rdev}`);
    if (xattrs) parts.push(...attributesOf(path));
    if (!s.isDirectory() && s.nlink > 1n) {
      parts.push(`same as ${first.get(s.ino) ?? shown}`);
      if (!first.has(s.ino)) first.set(s.ino, shown);
    }
    lines.push(parts.join(' '));
    if (!s.isDirectory()) return;
    for (const child of readdirSync(path, { encoding: 'buffer' }).toSorted((a, b) => Buffer.compare(a, b)))
      visit(path, child, `${shown}/${child.toString('latin1')}`);
  };
  visit(Buffer.from(directory), Buffer.alloc(0), '.');
  return lines;
}

function attributesOf(path: Buffer): string[] {
  const fd = openAt(-100, path.toString('latin1'), openFlags.O_PATH);
  try {
    return listXattrs(fd).map((name) => `${name}=${getXattr(fd, name)?.toString('hex')}`);
  } finally {
    closeFd(fd);
  }
}

/** Bytes on the disk of a file. */
export const allocated = (path: string): number => lstatSync(path).blocks * 512;

/** Puts chunks of an iterable together. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

/** Bytes in chunks of a size. */
// oxlint-disable-next-line typescript/require-await -- an asynchronous source is what is tested with
export async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
