/**
 * Finds the shared libraries of a program, in the places and the order of the dynamic loader, by reading ELF files only:
 * nothing is run, as ldd would. See ld.so(8).
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { nativeMachine, readElf, type ElfFile } from '../../kernel/elf-file.ts';

/** A library, or the dynamic loader. */
export interface Library {
  /** As programs ask for it: `libc.so.6`, or an absolute path. */
  readonly name: string;
  /** Where the host has it; may be a symbolic link. */
  readonly path: string;
  /** Found because a file names its directory (RPATH, RUNPATH) or its path: there it must stay. Others may be in any of the loader's own directories. */
  readonly fixed: boolean;
}

/** A program's or library's needs that cannot be met. */
export class LibraryMissing extends Error {
  override readonly name = 'LibraryMissing';
}

const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const maxLibraries = 1000;
const maxConfigurations = 100;

export class LibraryFinder {
  private readonly directories = [
    ...configuredDirectories('/etc/ld.so.conf'),
    `/lib/${multiarch}`,
    `/usr/lib/${multiarch}`,
    '/lib64',
    '/usr/lib64',
    '/lib',
    '/usr/lib',
  ].filter((directory, i, all) => all.indexOf(directory) === i && existsSync(directory));
  private readonly read = new Map<string, ElfFile | undefined>(); // by path

  /**
   * All that a program needs: its interpreter and its libraries, theirs included.
   * @returns undefined where the file is no ELF file of this machine
   * @throws LibraryMissing
   */
  needs(program: string): readonly Library[] | undefined {
    const elf = this.elf(program);
    if (!elf) return undefined;
    const found = new Map<string, Library>();
    if (elf.interpreter) found.set(basename(elf.interpreter), { name: elf.interpreter, path: elf.interpreter, fixed: true });
    // The loader goes breadth first; RPATH is inherited from those that brought a library in.
    const pending: { path: string; elf: ElfFile; inherited: readonly string[] }[] = [{ path: program, elf, inherited: [] }];
    for (let next = pending.shift(); next; next = pending.shift()) {
      const rpath = next.elf.runpath.length ? next.inherited : [...expand(next.elf.rpath, next.path), ...next.inherited];
      const runpath = expand(next.elf.runpath, next.path);
      for (const name of next.elf.needed) {
        if (found.has(name)) continue;
        const library = this.find(name, next.elf.runpath.length ? runpath : rpath);
        if (!library)
          throw new LibraryMissing(`the library ${name}, which ${next.path} needs, is in none of ${[...rpath, ...runpath, ...this.directories].join(', ')}`);
        found.set(name, library);
        if (found.size > maxLibraries) throw new LibraryMissing(`${program} needs more than ${maxLibraries} libraries`);
        pending.push({ path: library.path, elf: this.elf(library.path)!, inherited: rpath });
      }
    }
    return [...found.values()];
  }

  private find(name: string, paths: readonly string[]): Library | undefined {
    if (name.includes('/')) return isAbsolute(name) && this.elf(name) ? { name, path: name, fixed: true } : undefined;
    for (const [directories, fixed] of [
      [paths, true],
      [this.directories, false],
    ] as const) {
      for (const directory of directories) {
        const path = join(directory, name);
        if (this.elf(path)) return { name, path, fixed: fixed && !this.directories.includes(directory) };
      }
    }
    return undefined;
  }

  /** A file as ELF of this machine; undefined where it is none, or is not there. */
  private elf(path: string): ElfFile | undefined {
    if (!this.read.has(path)) {
      const elf = existsSync(path) ? readElf(path) : undefined;
      this.read.set(path, elf?.machine === nativeMachine ? elf : undefined);
    }
    return this.read.get(path);
  }
}

/** Replaces $ORIGIN, $LIB and $PLATFORM. Paths that are not absolute then would depend on the working directory, and are left out. */
function expand(paths: readonly string[], object: string): string[] {
  const values: Readonly<Record<string, string>> = {
    ORIGIN: dirname(realpathSync(object)),
    LIB: `lib/${multiarch}`,
    PLATFORM: process.arch === 'arm64' ? 'aarch64' : 'x86_64',
  };
  return paths
    .map((path) => path.replace(/\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)\b)/g, (_, a?: string, b?: string) => values[a ?? b!]!))
    .filter(isAbsolute);
}

/** The directories that ld.so.conf names, with what it includes. See ldconfig(8). */
function configuredDirectories(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file) || seen.size > maxConfigurations || !existsSync(file)) return [];
  seen.add(file);
  const directories: string[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const text = line.replace(/#.*/, '').trim();
    const included = /^include\s+(\S+)$/.exec(text)?.[1];
    if (included) {
      const pattern = isAbsolute(included) ? included : join(dirname(file), included);
      if (!existsSync(dirname(pattern))) continue;
      const names = readdirSync(dirname(pattern)).filter((name) => wildcard(basename(pattern)).test(name));
      for (const name of names.sort()) directories.push(...configuredDirectories(join(dirname(pattern), name), seen));
    } else if (isAbsolute(text)) directories.push(text);
  }
  return directories;
}

/** A shell pattern of one name, as a regular expression. */
const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[^\w*?]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
