/** See test/support/course-proof.ts. */
import { proveChapter } from '../support/course-proof.ts';

proveChapter(5);
