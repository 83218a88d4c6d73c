/** Makes a tree of a Go template's pieces. The grammar is text/template's, without templates that define other templates. */
import { lex, TemplateError, type Piece, type Token } from './template-lexer.ts';

export type Operand =
  | { readonly kind: 'dot' }
  | { readonly kind: 'nil' }
  | { readonly kind: 'constant'; readonly value: string | number | boolean }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
  /** Fields one after the other: `.A.B`, `$x.A`, `(…).A`. */
  | { readonly kind: 'fields'; readonly of: Operand; readonly names: readonly string[] };

/** An operand and its arguments. */
export type CommandNode = readonly [Operand, ...Operand[]];

export interface Pipeline {
  readonly variables: readonly string[];
  /** `:=` makes the variables, `=` changes them. */
  readonly declares: boolean;
  readonly commands: readonly CommandNode[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'output'; readonly pipeline: Pipeline }
  | { readonly kind: 'if' | 'with' | 'range'; readonly pipeline: Pipeline; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly kind: 'break' | 'continue' };

/** @throws TemplateError when the template is not well formed */
export function parseTemplate(source: string): Node[] {
  const pieces = lex(source);
  let at = 0;

  /** Reads nodes up to an `end` or `else` that belongs to an enclosing block. */
  function block(inside: boolean): { nodes: Node[]; ended: 'end' | 'else' | 'source'; rest: Token[] } {
    const nodes: Node[] = [];
    while (at < pieces.length) {
      const piece = pieces[at++]!;
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const tokens = trimSpaces(piece.tokens);
      const word = tokens[0]?.kind === 'word' ? tokens[0].text : '';
      const rest = trimSpaces(tokens.slice(1));
      if (word === 'end' || word === 'else') {
        if (!inside) throw new TemplateError(`{{${word}}} without a block to ${word === 'end' ? 'end' : 'belong to'}`);
        return { nodes, ended: word, rest };
      }
      if (word === 'if' || word === 'with' || word === 'range') nodes.push(control(word, rest));
      else if (word === 'break' || word === 'continue') nodes.push({ kind: word });
      else if (word === 'define' || word === 'template' || word === 'block') throw new TemplateError(`{{${word}}} is not supported`);
      else nodes.push({ kind: 'output', pipeline: parsePipeline(tokens, piece) });
    }
    return { nodes, ended: 'source', rest: [] };
  }

  function control(kind: 'if' | 'with' | 'range', tokens: Token[]): Node {
    const pipeline = parsePipeline(tokens);
    const body = block(true);
    let otherwise: Node[] = [];
    if (body.ended === 'else') {
      const word = body.rest[0]?.kind === 'word' ? body.rest[0].text : '';
      if (word === 'if' || word === 'with') {
        // `{{else if}}` ends with the block that it belongs to.
        otherwise = [control(word, trimSpaces(body.rest.slice(1)))];
        return { kind, pipeline, body: body.nodes, otherwise };
      }
      const second = block(true);
      if (second.ended !== 'end') throw new TemplateError(`{{${kind}}} has no {{end}}`);
      otherwise = second.nodes;
    } else if (body.ended !== 'end') throw new TemplateError(`{{${kind}}} has no {{end}}`);
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  return block(false).nodes;
}

const trimSpaces = (tokens: readonly Token[]): Token[] => {
  const from = tokens.findIndex((t) => t.kind !== 'space');
  const to = tokens.findLastIndex((t) => t.kind !== 'space');
  return from < 0 ? [] : tokens.slice(from, to + 1);
};

const isMark = (token: Token | undefined, text: string): boolean => token?.kind === 'mark' && token.text === text;

function parsePipeline(tokens: readonly Token[], piece?: Piece): Pipeline {
  const dense = trimSpaces(tokens);
  if (dense.length === 0) throw new TemplateError(`an action is empty${piece?.kind === 'action' ? ` (character ${piece.at})` : ''}`);
  const assign = dense.findIndex((t) => isMark(t, ':=') || isMark(t, '='));
  const variables: string[] = [];
  if (assign >= 0) {
    for (const token of dense.slice(0, assign)) {
      if (token.kind === 'variable') variables.push(token.text);
      else if (token.kind !== 'space' && !isMark(token, ',')) throw new TemplateError('only variables can stand before := or =');
    }
  }
  const reader = { tokens: dense.slice(assign + 1), at: 0 };
  const commands = parseCommands(reader);
  if (reader.at < reader.tokens.length) throw new TemplateError('unexpected )');
  return { variables, declares: isMark(dense[assign], ':='), commands };
}

interface Reader {
  readonly tokens: readonly Token[];
  at: number;
}

/** Reads `command | command …` up to a `)` or the end. */
function parseCommands(reader: Reader): CommandNode[] {
  const commands: CommandNode[] = [];
  for (;;) {
    const operands: Operand[] = [];
    let token = reader.tokens[reader.at];
    while (token && !isMark(token, '|') && !isMark(token, ')')) {
      if (token.kind === 'space') reader.at++;
      else operands.push(parseOperand(reader));
      token = reader.tokens[reader.at];
    }
    const [first, ...others] = operands;
    if (!first) throw new TemplateError('a value is missing');
    commands.push([first, ...others]);
    if (!isMark(token, '|')) return commands;
    reader.at++;
  }
}

function parseOperand(reader: Reader): Operand {
  const token = reader.tokens[reader.at++]!;
  let operand: Operand;
  const names: string[] = [];
  if (token.kind === 'field') {
    operand = { kind: 'dot' };
    names.push(token.text);
  } else if (token.kind === 'variable') operand = { kind: 'variable', name: token.text };
  else if (token.kind === 'constant') operand = { kind: 'constant', value: token.value };
  else if (token.kind === 'word') operand = wordOperand(token.text);
  else if (isMark(token, '.')) operand = { kind: 'dot' };
  else if (isMark(token, '(')) {
    operand = { kind: 'pipeline', pipeline: { variables: [], declares: false, commands: parseCommands(reader) } };
    if (!isMark(reader.tokens[reader.at++], ')')) throw new TemplateError(') is missing');
  } else throw new TemplateError(`unexpected ${token.kind === 'mark' ? token.text : 'token'}`);
  for (let next = reader.tokens[reader.at]; next?.kind === 'field'; next = reader.tokens[++reader.at]) names.push(next.text);
  return names.length ? { kind: 'fields', of: operand, names } : operand;
}

function wordOperand(word: string): Operand {
  if (word === 'true' || word === 'false') return { kind: 'constant', value: word === 'true' };
  return word === 'nil' ? { kind: 'nil' } : { kind: 'function', name: word };
}
