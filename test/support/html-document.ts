/** A strict reader of HTML documents, for tests: every tag is closed in its order, every text escaped, every id once. See the HTML standard, "The HTML syntax". */

/** What a document has that others may lead to, or that leads to others. */
export interface HtmlDocument {
  readonly ids: ReadonlySet<string>;
  /** Values of `href` and `src`. */
  readonly links: readonly string[];
  /** The levels of the headings, in order. */
  readonly headings: readonly number[];
  /** The value of `lang` on the root. */
  readonly language: string | undefined;
}

const voids = new Set(['meta', 'link', 'br', 'hr', 'img', 'input', 'wbr']);

/** Elements that must not be in a paragraph: a parser would end it before them. */
const blocks = new Set(['p', 'ul', 'ol', 'dl', 'pre', 'div', 'table', 'details', 'section', 'h1', 'h2', 'h3', 'nav', 'main', 'header', 'footer']);

/** @throws Error that says what is wrong, and where */
export function readHtml(text: string): HtmlDocument {
  const ids = new Set<string>();
  const links: string[] = [];
  const headings: number[] = [];
  const open: string[] = [];
  let language: string | undefined;
  const fail = (what: string, at: number): never => {
    throw new Error(`${what}, in ${JSON.stringify(text.slice(Math.max(0, at - 60), at + 60))}, inside of ${open.join(' ')}`);
  };
  if (!text.startsWith('<!DOCTYPE html>\n')) fail('no doctype', 0);
  const token = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)>|([^<>&]+)|&(?:amp|lt|gt|quot|#39);/y;
  for (token.lastIndex = '<!DOCTYPE html>'.length; token.lastIndex < text.length;) {
    const at = token.lastIndex;
    const found = token.exec(text) ?? fail('neither tag, nor text, nor reference', at);
    const [, end, name, attributes = '', plain] = found;
    if (plain !== undefined && plain.trim() !== '' && open.length < 3) fail('text outside of the body', at);
    if (name === undefined) continue;
    if (end) {
      if (open.pop() !== name) fail(`</${name}> ends nothing`, at);
      continue;
    }
    if (blocks.has(name) && open.some((each) => each === 'p' || /^h\d$/.test(each))) fail(`<${name}> in a paragraph or heading`, at);
    const values = [...attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)].map(([, key, value]) => [key!, value ?? ''] as const);
    if (new Set(values.map(([key]) => key)).size !== values.length) fail('an attribute twice', at);
    for (const [key, value] of values) {
      if (/[&](?!(?:amp|lt|gt|quot|#39);)/.test(value)) fail('an attribute that is not escaped', at);
      if (key === 'id' && ids.size === ids.add(value).size) fail(`the id ${value} twice`, at);
      if (key === 'href' || key === 'src') links.push(value);
      if (key === 'lang' && name === 'html') language = value;
      if (key.startsWith('on') || key === 'style') fail(`the attribute ${key}`, at);
    }
    if (name === 'script') fail('a script', at);
    if (/^h\d$/.test(name)) headings.push(Number(name[1]));
    if (!voids.has(name)) open.push(name);
  }
  if (open.length > 0) fail('not all is closed', text.length);
  return { ids, links, headings, language };
}
