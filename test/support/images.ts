/**
 * Tiny images built by hand: layers of a few files, and programs of a few machine instructions. Each is made as `docker save`
 * writes it, and as an OCI layout, so that both ways in are tested with the same contents.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { tar, type TarEntry } from './tar.ts';

/** The parts of an image's configuration that tests set: https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig {
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Env?: readonly string[];
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly User?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
}

export interface TestImage {
  /** Reference, with tag: `test/hello:latest`. */
  readonly name: string;
  /** The lowest first. */
  readonly layers: readonly (readonly TarEntry[])[];
  readonly config?: ImageConfig;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

function configuration(image: TestImage, layers: readonly Buffer[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      created: '2024-01-01T00:00:00Z',
      config: image.config ?? {},
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
      history: layers.map((_, i) => ({ created: '2024-01-01T00:00:00Z', created_by: `layer ${i + 1}` })),
    }),
  );
}

/** The archive that `docker save` writes: manifest.json, the configuration, and each layer as a plain tar. */
export function dockerArchive(image: TestImage): Buffer {
  const layers = image.layers.map((entries) => tar(entries));
  const config = configuration(image, layers);
  const configName = `${sha256(config)}.json`;
  const layerNames = layers.map((layer) => `${sha256(layer)}/layer.tar`);
  return tar([
    ...layers.map((contents, i) => ({ name: layerNames[i]!, contents })),
    { name: configName, contents: config },
    { name: 'manifest.json', contents: JSON.stringify([{ Config: configName, RepoTags: [image.name], Layers: layerNames }]) },
  ]);
}

/** An OCI image layout as a tar archive, its layers compressed by gzip. */
export function ociArchive(image: TestImage): Buffer {
  const blobs: TarEntry[] = [];
  const add = (mediaType: string, contents: Buffer): { mediaType: string; digest: string; size: number } => {
    const hex = sha256(contents);
    blobs.push({ name: `blobs/sha256/${hex}`, contents });
    return { mediaType, digest: `sha256:${hex}`, size: contents.length };
  };
  const layers = image.layers.map((entries) => tar(entries));
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: add('application/vnd.oci.image.config.v1+json', configuration(image, layers)),
    layers: layers.map((layer) => add('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(layer))),
  };
  const descriptor = add(manifest.mediaType, Buffer.from(JSON.stringify(manifest)));
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{ ...descriptor, annotations: { 'org.opencontainers.image.ref.name': image.name } }],
  };
  return tar([
    { name: 'oci-layout', contents: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', contents: JSON.stringify(index) },
    { name: 'blobs/', type: '5' },
    { name: 'blobs/sha256/', type: '5' },
    ...blobs,
  ]);
}

/** A program without libraries that ends at once with the given exit status. */
export function exitProgram(status: number): Buffer {
  const code =
    process.arch === 'arm64'
      ? words(0xd2800000 | (status << 5), 0xd2800ba8, 0xd4000001) // mov x0, #status; mov x8, #93; svc #0
      : Buffer.from([0xbf, status, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]); // mov edi, status; mov eax, 60; syscall
  return staticElf(code);
}

function words(...instructions: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(instructions.map((word) => word >>> 0)).buffer);
}

/** The smallest static executable around machine code: one loadable segment, elf(5). */
function staticElf(code: Buffer): Buffer {
  const headers = 64 + 56;
  const address = 0x400000n;
  const elf = Buffer.alloc(headers + code.length);
  elf.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(process.arch === 'arm64' ? 183 : 62, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(address + BigInt(headers), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers begin here
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(5, 68); // readable, executable
  elf.writeBigUInt64LE(address, 80);
  elf.writeBigUInt64LE(address, 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  code.copy(elf, headers);
  return elf;
}

/** An image of two layers whose command ends with status 0; the second layer removes a file of the first. */
export const trueImage: TestImage = {
  name: 'test/true:latest',
  layers: [
    [
      { name: 'bin/', type: '5' },
      { name: 'bin/true', mode: 0o755, contents: exitProgram(0) },
      { name: 'removed', contents: 'in the first layer' },
    ],
    [{ name: '.wh.removed' }, { name: 'added', contents: 'in the second layer' }],
  ],
  config: { Cmd: ['/bin/true'] },
};
