/** Colours of a terminal, and how wide text on it is. Text that goes elsewhere, or with NO_COLOR set (no-color.org), has no colours. */

/** The parameters of ECMA-48's SGR for each style; `off` ends all of them. */
export const styles = { off: '0', bold: '1', dim: '2', inverse: '7', red: '31', green: '32', yellow: '33', cyan: '36' } as const;

export type Style = Exclude<keyof typeof styles, 'off'>;

/** Paints a piece of text. */
export type Painter = (style: Style, text: string) => string;

/** The painter for a stream. */
export function painter(stream: NodeJS.WriteStream = process.stdout): Painter {
  return stream.isTTY && !process.env['NO_COLOR'] ? (style, text) => `\x1b[${styles[style]}m${text}\x1b[${styles.off}m` : unpainted;
}

/** The painter of what goes to no terminal. */
export const unpainted: Painter = (_, text) => text;

/** How text is laid out. */
export interface TextOptions {
  readonly paint: Painter;
  /** Columns to wrap at. */
  readonly width: number;
}

/** The columns that text of several lines takes of a stream: few enough to be read, enough to hold something. */
export const textWidth = (stream: NodeJS.WriteStream = process.stdout): number => Math.min(Math.max(stream.columns || 80, 60), 100);
