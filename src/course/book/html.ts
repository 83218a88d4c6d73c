/**
 * HTML that is safe by how it is written: what is put into a template is escaped, unless it is HTML from another template. See the HTML
 * standard, "Serializing HTML fragments", for what needs it; attributes are always written in double quotes.
 */

/** A piece of HTML; made by {@link markup} alone. */
export class Html {
  readonly text: string;
  private constructor(text: string) {
    this.text = text;
  }
  /** The template's tag. */
  static of(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
    return new Html(strings.map((string, i) => string + (i < parts.length ? serialized(parts[i]) : '')).join(''));
  }
}

/** What may stand in a template: nothing is nothing, a list its members one behind the other. */
export type Part = Html | string | number | undefined | readonly Part[];

const serialized = (part: Part): string => {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(serialized).join('');
  return part === undefined ? '' : escaped(String(part));
};

const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Control characters are no text of HTML: they become the replacement character. */
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => names[character]!).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]/g, '\ufffd'); // oxlint-disable-line no-control-regex -- they are what is looked for

/** `` markup`<p>${text}</p>` `` */
export const markup = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => Html.of(strings, ...parts);
