/** How single objects are printed: `--format` with `json` or a template, over what the engine answered. */
import { CommandError } from './command.ts';

/** The text of each object under a format. @throws CommandError when the template is wrong */
export async function formatObjects(objects: readonly unknown[], format: string): Promise<string> {
  if (format === 'json') return objects.map((object) => `${JSON.stringify(object)}\n`).join('');
  const { compileTemplate, TemplateError } = await import('./template.ts');
  try {
    const template = compileTemplate(format.replaceAll('\\t', '\t').replaceAll('\\n', '\n'));
    return objects.map((object) => `${template(object)}\n`).join('');
  } catch (error) {
    if (error instanceof TemplateError) throw new CommandError(`the template of --format is wrong: ${error.message}`);
    throw error;
  }
}
