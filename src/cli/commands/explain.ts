/** `hako explain`: a page of the manual, or a container as the kernel has it. A page asks no engine. */
import type { Manual } from '../../manual/manual.ts';
import type { Language } from '../../manual/page.ts';
import { CommandError, defineCommand, UsageError, type Values } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { langFlag, languageOf } from '../language.ts';
import type { ListFormat } from '../list-output.ts';
import type { Entry } from '../manual-text.ts';
import { painter, textWidth, type TextOptions } from '../paint.ts';

const flags = {
  file: { kind: 'list', help: 'Tell only which layer or mount this path of the container comes from', placeholder: 'path' },
  format: objectFormatFlag,
  lang: langFlag,
} as const;

export const command = defineCommand({
  usage: ['[OPTIONS] [STEP]', '[OPTIONS] CONTAINER'],
  description:
    'Without an argument, lists all steps in the order of a run. Of a step, such as\nmount.pivot, prints its page: what it does, why it is needed, why at this place,\nwhat breaks without it, pitfalls; and the step itself, as the engine takes it.\n\nTells of a container what the kernel says of it: its namespaces and who shares\nthem, user, capabilities, seccomp filter, cgroup, mounts, the layer of each\nfile, the way from published ports to processes; and where that differs from\nwhat the engine wrote down. This is in English alone.',
  count: [0, 1],
  completes: ['step or container'],
  flags,
  async run({ flags: given, args: [name] }) {
    const language = languageOf(given.lang);
    if (name === undefined && given.file.length > 0)
      throw new UsageError('--file is a path of a container, and none is named: hako explain CONTAINER --file PATH');
    if (name === undefined || given.file.length === 0) {
      const { readManual } = await import('../../manual/manual.ts');
      const manual = readManual();
      const entries = entriesOf(manual, language);
      if (name === undefined) return printList(entries, language, given.format);
      const entry = entries.find(({ page }) => page.id === name);
      if (entry) return printPage(entry, manual, language, given.format);
      const unknown = await unknownStep(name, manual);
      if (unknown) throw unknown;
    }
    return printContainer(name, given);
  },
});

/** Pages with their examples, in the order of a container's life. */
function entriesOf(manual: Manual, language: Language): Entry[] {
  const pages = new Map(manual.pages[language].map((page) => [page.id, page]));
  return manual.examples.flatMap((example) => {
    const page = pages.get(example.id);
    return page ? [{ page, example }] : [];
  });
}

const options = (): TextOptions => ({ paint: painter(), width: textWidth() });

async function printList(entries: readonly Entry[], language: Language, format: string | undefined): Promise<void> {
  const { listOfSteps, phaseTitle } = await import('../manual-text.ts');
  const list: ListFormat<Entry> = {
    columns: {
      ID: { header: 'STEP', value: ({ page }) => page.id },
      Phase: { header: 'PHASE', value: ({ example }) => example.phase },
      PhaseTitle: { header: 'PHASE', value: ({ example }) => phaseTitle(example.phase, language) },
      Title: { header: 'TITLE', value: ({ page }) => page.title },
    },
    table: ['ID', 'Phase', 'Title'],
    quietColumn: 'ID',
  };
  const { listText } = await import('../list-output.ts');
  process.stdout.write(format ? await listText(entries, list, { format }) : listOfSteps(entries, language, options()));
}

async function printPage(entry: Entry, manual: Manual, language: Language, format: string | undefined): Promise<void> {
  const { page, example } = entry;
  if (format) {
    const { formatObjects } = await import('../object-output.ts');
    const { phase, ...step } = example;
    process.stdout.write(await formatObjects([{ ...page, phase, step }], format));
  } else {
    const { pageText } = await import('../manual-text.ts');
    process.stdout.write(pageText(entry, manual, language, options()));
  }
}

/** What is written as a step is, and is no container of a running engine either. */
async function unknownStep(name: string, { examples }: Manual): Promise<CommandError | undefined> {
  const areas = new Set(examples.map(({ id }) => id.split('.')[0]));
  if (!name.includes('.') || !areas.has(name.split('.')[0])) return undefined;
  const { tryConnect } = await import('../engine-socket.ts');
  const running = await tryConnect().then(
    (socket) => (socket.destroy(), true),
    () => false,
  );
  return running
    ? undefined
    : nothingOf(
        name,
        examples.map(({ id }) => id),
        'step',
      );
}

async function printContainer(name: string, given: Values<typeof flags>): Promise<void> {
  const container = await import('../explain-container.ts');
  try {
    await container.printContainer(name, { format: given.format, files: given.file });
  } catch (error) {
    if (!(error instanceof CommandError) || !error.message.startsWith('No such container: ')) throw error;
    const { readManual } = await import('../../manual/manual.ts');
    const steps = readManual().examples.map(({ id }) => id);
    throw steps.includes(name)
      ? new UsageError(`${name} is a step, and --file is a path of a container`)
      : await nothingOf(name, steps, 'step and no container');
  }
}

/** The sentence for a name that is nobody's, with the steps that are like it. */
async function nothingOf(name: string, steps: readonly string[], what: string): Promise<CommandError> {
  const { nearNames } = await import('../../element/near.ts');
  const near = nearNames(name, steps);
  return new CommandError(`there is no ${what} ${JSON.stringify(name)}${near.length ? `, did you mean ${near.join(' or ')}?` : ''}`, {
    hint: "See 'hako explain' for the list of steps.",
  });
}
