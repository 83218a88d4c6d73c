/** A page of the book: what stands around every text. It needs no script and nothing from elsewhere. See the HTML standard, WCAG 2.2. */
import type { Language } from '../lesson.ts';
import { markup, type Html } from './html.ts';
import { bookWords } from './words.ts';

/** A page to which another leads. */
export interface Neighbour {
  /** Beside the page. */
  readonly file: string;
  readonly title: string;
}

export interface Page {
  /** In its language's directory. */
  readonly file: string;
  readonly language: Language;
  readonly title: string;
  readonly body: Html;
  readonly previous?: Neighbour | undefined;
  readonly next?: Neighbour | undefined;
  /** The languages of the book. */
  readonly languages: readonly Language[];
}

/** What all pages of a book of ours say of themselves; an earlier export is known by it. */
export const generator = 'hako learn export';

export const contentsFile = 'index.html';
export const machineFile = 'machine.html';
export const styleFile = 'book.css';

/** A whole document. @param root how the book's top is reached from where it lies */
export function documentHtml(language: Language, title: string, root: string, body: Html): Html {
  return markup`<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${generator}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="${root}${styleFile}">
</head>
<body>
${body}
</body>
</html>
`;
}

/** A page of a language, with its ways to others. */
export function pageHtml({ file, language, title, body, previous, next, languages }: Page): Html {
  const words = bookWords[language];
  const others = languages.filter((other) => other !== language);
  const switches = others.map(
    (other) => markup`<a href="../${other}/${file}" lang="${other}" hreflang="${other}" rel="alternate">${bookWords[other].languageName}</a>`,
  );
  const toContents = markup`<a href="${contentsFile}">${words.contents}</a>`;
  const neighbour = (to: Neighbour | undefined, rel: 'prev' | 'next', label: string): Html | undefined =>
    to && markup`<a class="${rel}" rel="${rel}" href="${to.file}"><small>${label}</small> <span>${to.title}</span></a>\n`;
  return documentHtml(
    language,
    file === contentsFile ? title : `${title} — ${words.title}`,
    '../',
    markup`<a class="skip" href="#text">${words.skip}</a>
<header class="top">
<nav aria-label="${words.pages}">${file === contentsFile ? markup`<a href="../${contentsFile}">hakobune</a>` : toContents}</nav>
${others.length > 0 ? markup`<nav aria-label="${words.languages}">${switches}</nav>` : undefined}
</header>
<main id="text">
${body}</main>
<footer class="ways"><nav aria-label="${words.previous} / ${words.next}">
${neighbour(previous, 'prev', words.previous)}${neighbour(next, 'next', words.next)}</nav></footer>`,
  );
}
