/** Cuts a Go template into text and the tokens of its actions. https://pkg.go.dev/text/template */

/** The template is wrong, or cannot be filled in with what it is given. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

export type Token =
  | { readonly kind: 'field' | 'variable' | 'word'; readonly text: string }
  | { readonly kind: 'constant'; readonly value: string | number }
  /** `(`, `)`, `|`, `,`, `=`, `:=`, and `.` alone. */
  | { readonly kind: 'mark'; readonly text: string }
  /** A space matters: `.A .B` is two operands, `.A.B` one. */
  | { readonly kind: 'space' };

export type Piece = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly at: number };

/**
 * Splits at `{{` and `}}`, applies `{{-` and `-}}`, drops comments.
 * @throws TemplateError for an action that is not closed, or a character that means nothing
 */
export function lex(source: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  while (at <= source.length) {
    const open = source.indexOf('{{', at);
    let text = source.slice(at, open < 0 ? undefined : open);
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, '');
    const trimsBefore = open >= 0 && /^\{\{-[ \t\r\n]/.test(source.slice(open, open + 4));
    if (trimsBefore) text = text.replace(/[ \t\r\n]+$/, '');
    if (text) pieces.push({ kind: 'text', text });
    if (open < 0) break;
    const start = open + (trimsBefore ? 3 : 2);
    const comment = /^\s*\/\*[^]*?\*\/\s*?(-?)\}\}/.exec(source.slice(start));
    if (comment) {
      at = start + comment[0].length;
      trimNext = comment[1] === '-';
      continue;
    }
    const action = lexAction(source, start);
    pieces.push({ kind: 'action', tokens: action.tokens, at: open + 1 });
    ({ end: at, trimNext } = action);
  }
  return pieces;
}

const patterns: readonly (readonly [RegExp, (text: string) => Token])[] = [
  [/[ \t\r\n]+/y, () => ({ kind: 'space' })],
  [/"(?:[^"\\\n]|\\.)*"/y, (text) => ({ kind: 'constant', value: unquote(text) })],
  [/`[^`]*`/y, (text) => ({ kind: 'constant', value: text.slice(1, -1) })],
  [/'(?:[^'\\\n]|\\.)'/y, (text) => ({ kind: 'constant', value: unquote(`"${text.slice(1, -1)}"`).codePointAt(0)! })],
  [/[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y, (text) => ({ kind: 'constant', value: Number(text) })],
  [/\.[\p{L}_][\p{L}\p{N}_]*/uy, (text) => ({ kind: 'field', text: text.slice(1) })],
  [/\$[\p{L}\p{N}_]*/uy, (text) => ({ kind: 'variable', text })],
  [/[\p{L}_][\p{L}\p{N}_]*/uy, (text) => ({ kind: 'word', text })],
  [/:=|[().|,=]/y, (text) => ({ kind: 'mark', text })],
];

function lexAction(source: string, start: number): { tokens: Token[]; end: number; trimNext: boolean } {
  const tokens: Token[] = [];
  let at = start;
  for (;;) {
    const close = /[ \t\r\n]-\}\}|\}\}/y;
    close.lastIndex = at;
    const closed = close.exec(source);
    if (closed) return { tokens, end: close.lastIndex, trimNext: closed[0].length > 2 };
    if (at >= source.length) throw new TemplateError('an action is not closed: }} is missing');
    let token: Token | undefined;
    for (const [pattern, make] of patterns) {
      pattern.lastIndex = at;
      const match = pattern.exec(source);
      if (!match) continue;
      token = make(match[0]);
      at = pattern.lastIndex;
      break;
    }
    if (!token) throw new TemplateError(`unexpected ${JSON.stringify(source[at])} in an action`);
    tokens.push(token);
  }
}

function unquote(text: string): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/gi, (_, hex: string, unicode: string, one: string) =>
      hex || unicode ? String.fromCharCode(parseInt(hex || unicode, 16)) : (escapes[one] ?? one),
    );
}
