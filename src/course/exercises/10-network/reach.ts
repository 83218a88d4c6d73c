/** Whether the way between two network namespaces is whole, tried by a connection; and what conditions say of it. */
import type { Text } from '../../exercise.ts';
import { runIn, wordsFrom, type LabNetwork } from '../../look/network.ts';
import type { Look } from '../../look/look.ts';
import { told } from './server.ts';

/** What a try gave. */
export interface Tried {
  /** The word that was planted came. */
  readonly ok: boolean;
  /** From where the server saw the connection come. */
  readonly from: string | undefined;
  readonly found: Text;
}

/** Connects from a namespace to the chapter's server. */
export async function tryFrom(look: Look, network: LabNetwork, address: string, port: number): Promise<Tried> {
  const words = await wordsFrom(look, network, address, port);
  const { word, from } = told(words);
  const way = `${network.label} → ${address}:${port}`;
  if (word !== look.facts['word']) {
    return {
      ok: false,
      from: undefined,
      found:
        words === undefined
          ? { en: `${way}: no answer`, ja: `${way}: 応答なし` }
          : { en: `${way}: another answer, "${words}"`, ja: `${way}: 別の応答「${words}」` },
    };
  }
  return { ok: true, from, found: { en: `${way}: the word came, seen from ${from}`, ja: `${way}: 合言葉が届いた(サーバーから見た相手は ${from})` } };
}

/** The TCP ports of 0.0.0.0 that somebody listens on in a namespace. */
export async function listening(look: Look, network: LabNetwork): Promise<number[]> {
  const { stdout } = await runIn(look, network, ['cat', '/proc/net/tcp', '/proc/net/tcp6']);
  return [...stdout.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A /gm)].map(([, port]) => parseInt(port!, 16));
}
