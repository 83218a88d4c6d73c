/** `hako explain CONTAINER`: what the kernel says of a container, in words for a person or as JSON for a program. */
import type { ContainerExplanation, LiveExplanation, PortPath } from '../api/schema.ts';
import { get, segment } from './client.ts';
import { alignColumns, displayWidth } from './columns.ts';
import { painter, textWidth, type TextOptions } from './paint.ts';
import { wrapProse } from './prose.ts';
import { print } from './terminal-text.ts';
import { count } from './units.ts';

/** Options of {@link printContainer}. */
export interface PrintOptions {
  /** `json`, or a Go template; absent: text. */
  readonly format?: string | undefined;
  /** Paths in the container whose layer is asked for. */
  readonly files: readonly string[];
}

/** Asks the engine about a container and prints the answer. @throws CommandError for a container or path that there is not */
export async function printContainer(name: string, options: PrintOptions): Promise<void> {
  const explanation = await get<ContainerExplanation>(`/containers/${segment(name)}/explain`, { file: options.files });
  if (options.format !== undefined) {
    const { formatObjects } = await import('./object-output.ts');
    process.stdout.write(await formatObjects([explanation], options.format));
  } else {
    print(containerText(explanation, { paint: painter(), width: textWidth(), filesOnly: options.files.length > 0 }));
  }
}

interface ContainerTextOptions extends TextOptions {
  /** Only the answer about files, since that was the question. */
  readonly filesOnly: boolean;
}

/** The explanation as text. */
function containerText(explanation: ContainerExplanation, options: ContainerTextOptions): string {
  const page = new Page(options);
  const { live, differences } = explanation;
  if (options.filesOnly && live) {
    filesSection(page, live);
    return page.text();
  }
  page.line(`${page.bold(explanation.name)} (${explanation.id.slice(0, 12)}), made from ${explanation.image}: ${explanation.command.join(' ')}`);
  for (const sentence of explanation.state) page.item('', sentence);
  if (live) liveSections(page, live);
  page.title('Kernel and record');
  if (differences.length === 0)
    page.item('', live ? 'What the kernel has is what the engine wrote down.' : 'Nothing to compare: the kernel has nothing of it.');
  else for (const difference of differences) page.item(page.red('differs'), difference);
  return page.text();
}

function liveSections(page: Page, live: LiveExplanation): void {
  page.title(`Namespaces of process ${live.pid}`);
  for (const { type, id, host, containers, processes, meaning } of live.namespaces) {
    const others = [...containers.map((name) => `the container ${name}`), ...processes.slice(0, 5).map((p) => `process ${p.pid} (${p.name})`)];
    const more = processes.length > 5 ? ` and ${processes.length - 5} more` : '';
    const shared = host ? "the host's" : others.length ? `shared with ${others.join(', ')}${more}` : 'its own alone';
    page.item(type, `${shared}; ${meaning} ${page.dim(`(${id.slice(id.indexOf('[') + 1, -1)})`)}`);
  }

  page.title('User');
  const { user } = live;
  const mapped = user.uid !== user.onHost.uid || user.gid !== user.onHost.gid;
  page.item(
    'ids',
    `user ${user.uid}, group ${user.gid}, groups ${user.groups.join(', ') || 'none'}${mapped ? `; to the host user ${user.onHost.uid}, group ${user.onHost.gid}` : ''}`,
  );
  page.item('maps', `uid_map ${user.uidMap.join(', ')}; gid_map ${user.gidMap.join(', ')} (inside, outside, how many)`);
  if (user.label) page.item('label', user.label);

  page.title('Capabilities');
  const { capabilities } = live;
  page.item(
    'no new',
    capabilities.noNewPrivileges ? 'no program can raise its privileges (no_new_privs)' : 'set-user-ID programs work (no_new_privs is not set)',
  );
  for (const { name, allows } of capabilities.held) page.item(page.green('may'), `${page.dim(`${name}:`)} ${allows}`);
  for (const { name, forbids } of capabilities.lacking) page.item(page.red('cannot'), `${page.dim(`${name}:`)} ${forbids}`);
  if (capabilities.obtainable.length) page.item('could', `get ${capabilities.obtainable.join(', ')} by a set-user-ID program`);

  seccompSection(page, live.seccomp);

  page.title(`Cgroup ${live.cgroup.path}`);
  page.table([
    ['', 'LIMIT', 'USE', 'FILE'],
    ...live.cgroup.figures.map((f) => [f.name, f.limit || '-', f.use || '-', f.file.slice(f.file.lastIndexOf('/') + 1) || '-']),
  ]);
  page.item('in', live.cgroup.directories.map((d) => `${d.hierarchy} (v${d.version})${d.member ? '' : ' — NOT'}`).join(', '));

  page.title('Mounts');
  for (const mount of live.mounts.filter((m) => m.origin !== 'mask')) {
    page.item('', `${page.bold(mount.path)}  ${mount.meaning} ${page.dim(`(${mount.type}, ${mount.options.filter((o) => o !== 'relatime').join(',')})`)}`);
  }
  const masked = live.mounts.filter((m) => m.origin === 'mask');
  const paths = (meaning: string): string =>
    masked
      .filter((m) => m.meaning.startsWith(meaning))
      .map((m) => m.path)
      .join(' ');
  if (paths('hidden')) page.item('hidden', paths('hidden'));
  if (paths('read-only')) page.item('ro', paths('read-only'));

  page.title('Files, and the layer that each is from');
  filesSection(page, live);

  networkSection(page, live);

  page.title('Limits of the process');
  const told = live.limits.filter((limit) => limit.asked || limit.soft !== 'unlimited');
  page.item(
    '',
    told
      .map((l) => `${l.name.slice(7).toLowerCase()} ${l.soft === l.hard ? l.soft : `${l.soft} (at most ${l.hard})`}${l.asked ? ' (asked for)' : ''}`)
      .join(', '),
  );
}

function seccompSection(page: Page, seccomp: LiveExplanation['seccomp']): void {
  page.title('System calls (seccomp)');
  if (seccomp.source === 'none') {
    page.item(
      '',
      seccomp.mode === 'disabled'
        ? 'No filter: every system call reaches the kernel.'
        : `mode ${seccomp.mode}${seccomp.refused ? `; its program is not shown: ${seccomp.refused}` : ''}`,
    );
    return;
  }
  const from = seccomp.source === 'kernel' ? 'read from the kernel' : `made from the record, since the kernel's could not be read: ${seccomp.refused}`;
  page.item('filter', `${count(seccomp.filters, 'program')} of ${seccomp.instructions} instructions, ${from}`);
  page.item('default', seccomp.defaultAction);
  const { allowed, refused, conditional } = seccomp.counts;
  page.item('calls', `${allowed} allowed, ${refused} refused, ${conditional} by their arguments`);
  for (const words of seccomp.otherArchitectures) page.item('calls', words);
  const reasons = new Map<string, string[]>();
  for (const { name, forbids } of seccomp.refusedCalls) if (forbids) reasons.set(forbids, [...(reasons.get(forbids) ?? []), name]);
  for (const [forbids, names] of reasons) page.item(page.red('refuses'), `${page.dim(`${names.join(' ')}:`)} ${forbids}`);
  for (const { name, words } of seccomp.conditionalCalls) page.item('depends', `${page.dim(`${name}:`)} ${words.join(', ')}`);
  const rest = seccomp.refusedCalls.filter((call) => !call.forbids).map((call) => call.name);
  if (rest.length) page.item(page.red('refuses'), rest.join(' '));
}

function networkSection(page: Page, { network }: LiveExplanation): void {
  page.title(`Network (${network.mode})`);
  for (const link of network.interfaces) {
    page.item(
      link.name,
      `${link.kind}, ${link.up ? 'up' : 'down'}${link.addresses.length ? `, ${link.addresses.join(', ')}` : ''}${link.peer ? `; its other end is ${link.peer}` : ''}`,
    );
  }
  if (network.gateway) page.item('gateway', network.gateway);
  for (const path of network.paths) pathLines(page, path);
  for (const l of network.listening) page.item('listens', `${l.address}:${l.port}/${l.protocol} ${l.processes.map((p) => `${p.name} (${p.pid})`).join(', ')}`);
}

function pathLines(page: Page, { port, hops }: PortPath): void {
  page.item('', page.bold(port));
  for (const hop of hops) page.item(`  ${hop.ok ? '↓' : page.red('✗')} `, `${hop.what}: ${hop.where}`);
}

function filesSection(page: Page, { files, moreFiles }: LiveExplanation): void {
  for (const file of files) fileLines(page, file);
  if (moreFiles) page.item('more', `at least ${moreFiles} more, which were not looked up`);
}

function fileLines(page: Page, file: LiveExplanation['files'][number]): void {
  const link = file.real && file.real !== file.path ? ` → ${file.real}` : '';
  page.item(file.role === 'asked' ? '' : file.role, `${page.bold(file.path)}${link}  ${file.origin}`);
  if (file.place) page.item('', page.dim(file.place));
}

const labelWidth = 9;

/** Lines with labels, wrapped at a width that colours do not count for. */
class Page {
  readonly #lines: string[] = [];
  readonly #options: TextOptions;
  constructor(options: TextOptions) {
    this.#options = options;
  }

  bold = (text: string): string => this.#options.paint('bold', text);
  dim = (text: string): string => this.#options.paint('dim', text);
  red = (text: string): string => this.#options.paint('red', text);
  green = (text: string): string => this.#options.paint('green', text);

  line(text: string): void {
    this.#lines.push(...wrapProse(text, this.#options.width));
  }

  title(text: string): void {
    this.#lines.push('', this.bold(text));
  }

  item(label: string, text: string): void {
    const shown = displayWidth(label);
    // A long label keeps its own space, the lines after it stay aligned.
    const head = `  ${label}${' '.repeat(Math.max(1, labelWidth - shown))}`;
    wrapProse(text, this.#options.width - labelWidth - 2).forEach((line, i) =>
      this.#lines.push(i ? `${' '.repeat(labelWidth + 2)}${line}` : `${head}${line}`.trimEnd()),
    );
  }

  table(rows: readonly (readonly string[])[]): void {
    for (const line of alignColumns(rows, { least: 4 }).trimEnd().split('\n')) this.#lines.push(`  ${line}`);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
