/** What a learner answered: /run/lab/answer in the lab, which like everything there is the learner's. */
import type { Lab } from '../lab/lab.ts';
import { textOf } from './look/files.ts';

const longest = 4096;

/** @returns the answer without spaces around it; undefined where there is none */
export const readAnswer = (lab: Pick<Lab, 'pid'>): string | undefined => textOf(lab, '/run/lab/answer')?.slice(0, longest).trim();
