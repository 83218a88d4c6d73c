/**
 * The plan of the base image: which file of the host becomes which file of the image, and why. Made by looking at the host
 * only; nothing is run and nothing written.
 */
import { closeSync, existsSync, lstatSync, openSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { StorageError } from '../../storage/error.ts';
import {
  emptyDirectories,
  hostFiles,
  links,
  mergedDirectories,
  nameServiceLibraries,
  specialModes,
  terminals,
  terminfoDirectories,
  texts,
  vimConfiguration,
} from './files.ts';
import { LibraryFinder, LibraryMissing, type Library } from './libraries.ts';
import { programPackages } from './programs.ts';

/** One file of the image: from the host, a text, a link or a directory. */
export type PlannedFile =
  | { readonly type: 'file'; readonly mode: number; readonly from: string; readonly size: number; readonly why: string }
  | { readonly type: 'text'; readonly mode: number; readonly text: string }
  | { readonly type: 'link'; readonly target: string }
  | { readonly type: 'directory'; readonly mode: number };

/** A program that is not in the image. */
export interface Omission {
  readonly program: string;
  readonly package: string;
  readonly why: string;
}

export interface BasePlan {
  /** By path in the image. */
  readonly files: ReadonlyMap<string, PlannedFile>;
  readonly omitted: readonly Omission[];
}

/** Where programs are looked for: what the distribution has installed, not what was added by hand. */
const programDirectories = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'];
/** An optional program is left out that would make the image this much larger. */
const maxProgramBytes = 16 << 20;
const maxHostFile = 4 << 20;

/** Plans the image. @throws StorageError where the host lacks what the image cannot do without; it names program and package */
export function planBase(): BasePlan {
  return new Planner().plan();
}

class Planner {
  private readonly files = new Map<string, PlannedFile>();
  private readonly omitted: Omission[] = [];
  private readonly libraries = new LibraryFinder();
  private libraryDirectory: string | undefined;

  plan(): BasePlan {
    for (const path of mergedDirectories) {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) this.files.set(path, { type: 'link', target: readlinkSync(path) });
    }
    for (const path of emptyDirectories) this.addDirectory(path);
    for (const [path, target] of Object.entries(links)) this.add(path, { type: 'link', target });
    for (const [path, text] of Object.entries(texts)) this.add(path, { type: 'text', mode: 0o644, text });
    for (const { package: name, programs, required } of programPackages) {
      for (const program of programs) this.addProgram(program, name, required?.includes(program) ?? false);
    }
    this.addData();
    for (const path of mergedDirectories) this.dropDangling(path);
    return { files: new Map([...this.files].sort(([a], [b]) => (a < b ? -1 : 1))), omitted: this.omitted };
  }

  private addProgram(program: string, packageName: string, required: boolean): void {
    const why = this.tryProgram(program);
    if (why === undefined) return;
    if (required) throw new StorageError('failed', `cannot make the base image: ${program} ${why}; install the package ${packageName}`);
    this.omitted.push({ program, package: packageName, why });
  }

  /** Adds a program with its libraries; returns why it cannot. */
  private tryProgram(program: string): string | undefined {
    const found = programDirectories.map((directory) => join(directory, program)).find(isExecutable);
    if (!found) return 'is not installed';
    const from = realpathSync(found);
    const added = new Map<string, PlannedFile>();
    const file: PlannedFile = { type: 'file', mode: 0o755, from, size: statSync(from).size, why: program };
    added.set(this.place(from), file);
    try {
      const libraries = this.libraries.needs(from) ?? this.scriptNeeds(from);
      if (typeof libraries === 'string') return libraries;
      for (const library of libraries) added.set(...this.libraryFile(library, program));
    } catch (error) {
      if (error instanceof LibraryMissing) return `cannot run: ${error.message}`;
      throw error;
    }
    let size = 0;
    for (const [path, planned] of added) if (planned.type === 'file' && !this.files.has(path)) size += planned.size;
    if (size > maxProgramBytes) return `is too large: ${(size / 2 ** 20).toFixed(0)} MiB with its libraries`;
    for (const [path, planned] of added) this.add(path, planned);
    // The command's own name, where that is a link (awk, sh, vi): straight to the program, not by way of /etc/alternatives.
    const name = this.place(found);
    if (name !== this.place(from)) this.add(name, { type: 'link', target: dirname(name) === dirname(from) ? basename(from) : relative(dirname(name), from) });
    return undefined;
  }

  /** A script needs its shell; anything but a shell is not in the image. */
  private scriptNeeds(path: string): readonly Library[] | string {
    const interpreter = /^#! *(\S+)/.exec(head(path))?.[1];
    if (!interpreter) return 'is neither a program of this machine nor a script';
    return this.files.has(this.place(interpreter)) ? [] : `needs ${interpreter}`;
  }

  /**
   * Where a library goes. One that the loader found by itself goes beside the C library, where the loader looks without a
   * cache; one that a file names by directory or path stays there.
   */
  private libraryFile({ name, path, fixed }: Library, program: string): [path: string, file: PlannedFile] {
    const from = realpathSync(path);
    if (/^(libc\.so|libc\.musl)/.test(name)) this.libraryDirectory ??= realpathSync(dirname(path));
    const directory = fixed ? realpathSync(dirname(path)) : (this.libraryDirectory ?? realpathSync(dirname(this.cLibrary(path))));
    return [join(directory, basename(name)), { type: 'file', mode: 0o755, from, size: statSync(from).size, why: `library of ${program}` }];
  }

  /** Any library's directory does before the C library is met: the shell's first ones. */
  private cLibrary(path: string): string {
    const beside = join(dirname(path), 'libc.so.6');
    return existsSync(beside) ? beside : path;
  }

  private addData(): void {
    for (const path of hostFiles) this.addHostFile(path, path, 'data');
    for (const name of nameServiceLibraries) {
      const path = this.libraryDirectory && join(this.libraryDirectory, name);
      if (path && existsSync(path)) this.addHostFile(path, path, 'names of users and hosts');
    }
    for (const terminal of terminals) {
      // In a directory of its first letter, or the letter's hexadecimal code
      for (const place of terminfoDirectories.flatMap((d) => [join(d, terminal[0]!, terminal), join(d, terminal.charCodeAt(0).toString(16), terminal)])) {
        if (!existsSync(place)) continue;
        this.addHostFile(place, place, `terminal ${terminal}`);
        break;
      }
    }
    if ([...this.files.keys()].some((path) => /\/vim[^/]*$/.test(path)))
      this.add(vimConfiguration[0], { type: 'text', mode: 0o644, text: vimConfiguration[1] });
  }

  private addHostFile(path: string, from: string, why: string): void {
    const status = statSync(from, { throwIfNoEntry: false });
    if (status?.isFile() && status.size <= maxHostFile)
      this.add(this.place(path), { type: 'file', mode: 0o644, from: realpathSync(from), size: status.size, why });
  }

  private add(path: string, file: PlannedFile): void {
    if (this.files.has(path)) return;
    this.addDirectory(dirname(path));
    this.files.set(path, file);
  }

  private addDirectory(path: string): void {
    if (path === '/' || this.files.has(path)) return;
    this.addDirectory(dirname(path));
    this.files.set(path, { type: 'directory', mode: specialModes[path] ?? 0o755 });
  }

  /** A path in the image: that of the host, where directories at the root that are links lead. */
  private place(path: string): string {
    const top = `/${path.split('/')[1]}`;
    const link = this.files.get(top);
    return link?.type === 'link' ? join('/', link.target, path.slice(top.length)) : path;
  }

  private dropDangling(path: string): void {
    const file = this.files.get(path);
    if (file?.type === 'link' && !this.files.has(join('/', file.target))) this.files.delete(path);
  }
}

function isExecutable(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && status.isFile() && (status.mode & 0o111) !== 0;
}

/** The first bytes of a file. */
function head(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(256);
    return bytes.toString('latin1', 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}
