/**
 * The lessons' registry as a program: `main.ts PORT LOG [NAME:TAG=LAYOUT]…` serves on 127.0.0.1, writes a line for each answer to LOG, and
 * has the images of OCI layouts (directories) from the beginning. LOG is made when it listens.
 */
import { readFileSync, writeFileSync, appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Registry } from './registry.ts';

const [port = '', log = '', ...images] = process.argv.slice(2);
const registry = new Registry(`http://127.0.0.1:${port}`, (line) => appendFileSync(log, `${line}\n`));

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
}

for (const image of images) {
  const [, name = '', tag = '', directory = ''] = /^(.+):([^:=]+)=(.+)$/.exec(image) ?? [];
  const blob = (digest: string): Buffer => readFileSync(`${directory}/blobs/${digest.replace(':', '/')}`);
  const index = JSON.parse(readFileSync(`${directory}/index.json`, 'utf8')) as { readonly manifests: readonly [Descriptor] };
  const [{ digest, mediaType }] = index.manifests;
  const { config, layers } = JSON.parse(blob(digest).toString('utf8')) as { readonly config: Descriptor; readonly layers: readonly Descriptor[] };
  for (const part of [config, ...layers]) registry.addBlob(name, blob(part.digest));
  registry.addManifest(name, blob(digest), mediaType, tag);
}

createServer((request, response) => void registry.handle(request, response)).listen(Number(port), '127.0.0.1', () => writeFileSync(log, ''));
