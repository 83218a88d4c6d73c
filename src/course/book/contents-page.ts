/** The pages that lead to the others: the book's first, where a language is chosen, and the contents in each language. */
import type { Language } from '../lesson.ts';
import type { Subject } from './exercise-page.ts';
import { markup, type Html } from './html.ts';
import { contentsFile, documentHtml, machineFile } from './page.ts';
import { isWhole } from './performance.ts';
import { codeHtml } from './prose.ts';
import { bookWords } from './words.ts';

/** The book's first page. */
export function coverHtml(languages: readonly Language[], withOutputs: boolean): Html {
  const choices = languages.map((language) => {
    const { title, subtitle, subtitlePlain, languageName } = bookWords[language];
    return markup`<li lang="${language}"><a href="${language}/${contentsFile}" hreflang="${language}"><strong>${title}</strong> <span>${withOutputs ? subtitle : subtitlePlain}</span> <small>${languageName}</small></a></li>\n`;
  });
  return documentHtml(languages[0]!, 'hakobune', '', markup`<main id="text" class="cover">\n<h1>hakobune</h1>\n<ul>\n${choices}</ul>\n</main>`);
}

/** The contents. */
export function contentsHtml(subjects: readonly Subject[], language: Language, withOutputs: boolean): Html {
  const words = bookWords[language];
  const chapters = [...new Set(subjects.map(({ chapter }) => chapter))];
  const mark = ({ outcome }: Subject): Html | undefined =>
    outcome === undefined || isWhole(outcome) ? undefined : markup` <small class="mark">${outcome.kind === 'done' ? words.notWhole : words.notHere}</small>`;
  const chapterHtml = (chapter: Subject['chapter']): Html => {
    const lines = subjects
      .filter((subject) => subject.chapter === chapter)
      .map(
        (subject) =>
          markup`<li><a href="${subject.entry.id}.html"><span class="number">${subject.entry.id}</span> ${subject.entry.lessons[language].title}</a>${mark(subject)}</li>\n`,
      );
    return markup`<section class="chapter">\n<h2><span class="number">${chapter.number}</span> ${chapter.title[language]}</h2>\n<ul>\n${lines}</ul>\n</section>\n`;
  };
  return markup`<h1>${words.title}</h1>
<p class="subtitle">${withOutputs ? words.subtitle : words.subtitlePlain}</p>
<p>${words.intro}</p>
<p>${withOutputs ? words.introOutputs : words.without}</p>
${withOutputs ? markup`<p><a href="${machineFile}">${words.aboutMachine}</a></p>\n` : undefined}<p>${words.introDo}</p>
${codeHtml(`hako learn start${language === 'ja' ? ' --lang ja' : ''}`)}${chapters.map(chapterHtml)}`;
}
