/** A process that did not become its program, as hako-oci says it: 126 and 127 are the program's, everything else is 1. */
import { StartError } from '../runtime/start-error.ts';
import { OciError } from './error.ts';

/** The error to be thrown in place of this one. */
export const asOciError = (error: unknown): unknown => (error instanceof StartError ? new OciError(error.message, error.code === 125 ? 1 : error.code) : error);
